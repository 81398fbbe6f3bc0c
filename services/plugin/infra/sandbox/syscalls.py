"""Which system calls sandboxed code may make, by their x86-64 numbers."""

READING_AND_WRITING = {
    "read": 0,
    "write": 1,
    "close": 3,
    "lseek": 8,
    "pread64": 17,
    "pwrite64": 18,
    "readv": 19,
    "writev": 20,
    "pipe": 22,
    "select": 23,
    "dup": 32,
    "dup2": 33,
    "sendfile": 40,
    "flock": 73,
    "fsync": 74,
    "fdatasync": 75,
    "ftruncate": 77,
    "epoll_create": 213,
    "fadvise64": 221,
    "epoll_wait": 232,
    "epoll_ctl": 233,
    "pselect6": 270,
    "ppoll": 271,
    "splice": 275,
    "epoll_pwait": 281,
    "timerfd_create": 283,
    "fallocate": 285,
    "timerfd_settime": 286,
    "timerfd_gettime": 287,
    "eventfd2": 290,
    "epoll_create1": 291,
    "dup3": 292,
    "pipe2": 293,
    "preadv": 295,
    "pwritev": 296,
    "copy_file_range": 326,
    "poll": 7,
    "close_range": 436,
    "epoll_pwait2": 441,
    # Only on pairs made by socketpair: `socket` and `connect` are refused.
    "recvfrom": 45,
    "recvmsg": 47,
    "shutdown": 48,
    "getsockname": 51,
    "getpeername": 52,
    "setsockopt": 54,
    "getsockopt": 55,
}
FILES = {
    "open": 2,
    "stat": 4,
    "fstat": 5,
    "lstat": 6,
    "access": 21,
    "getdents": 78,
    "getcwd": 79,
    "chdir": 80,
    "fchdir": 81,
    "rename": 82,
    "mkdir": 83,
    "rmdir": 84,
    "unlink": 87,
    "symlink": 88,
    "umask": 95,
    "statfs": 137,
    "fstatfs": 138,
    "getdents64": 217,
    "openat": 257,
    "mkdirat": 258,
    "newfstatat": 262,
    "unlinkat": 263,
    "renameat": 264,
    "symlinkat": 266,
    "faccessat": 269,
    "renameat2": 316,
    "statx": 332,
    "faccessat2": 439,
}
# Landlock does not mediate these, so they are allowed only where a private /tmp is all there is.
ATTRIBUTES = {
    "truncate": 76,
    "readlink": 89,
    "chmod": 90,
    "fchmod": 91,
    "utime": 132,
    "utimes": 235,
    "readlinkat": 267,
    "fchmodat": 268,
    "utimensat": 280,
}
MEMORY = {
    "mprotect": 10,
    "munmap": 11,
    "brk": 12,
    "mremap": 25,
    "msync": 26,
    "madvise": 28,
    "pkey_mprotect": 329,
    "pkey_alloc": 330,
    "pkey_free": 331,
}
THREADS_AND_SIGNALS = {
    "rt_sigaction": 13,
    "rt_sigprocmask": 14,
    "rt_sigreturn": 15,
    "sched_yield": 24,
    "pause": 34,
    "getitimer": 36,
    "alarm": 37,
    "setitimer": 38,
    "exit": 60,
    "wait4": 61,
    "rt_sigpending": 127,
    "rt_sigtimedwait": 128,
    "rt_sigsuspend": 130,
    "sigaltstack": 131,
    "sched_getparam": 143,
    "sched_getscheduler": 145,
    "sched_get_priority_max": 146,
    "sched_get_priority_min": 147,
    "arch_prctl": 158,
    "futex": 202,
    "sched_getaffinity": 204,
    "set_tid_address": 218,
    "restart_syscall": 219,
    "exit_group": 231,
    "waitid": 247,
    "set_robust_list": 273,
    "get_robust_list": 274,
    "signalfd4": 289,
    "getcpu": 309,
    "membarrier": 324,
    "rseq": 334,
}
TIME_AND_IDENTITY = {
    "nanosleep": 35,
    "getpid": 39,
    "uname": 63,
    "gettimeofday": 96,
    "getrlimit": 97,
    "getrusage": 98,
    "sysinfo": 99,
    "times": 100,
    "getuid": 102,
    "getgid": 104,
    "geteuid": 107,
    "getegid": 108,
    "getppid": 110,
    "getpgrp": 111,
    "getgroups": 115,
    "getresuid": 118,
    "getresgid": 120,
    "getpgid": 121,
    "getsid": 124,
    "gettid": 186,
    "time": 201,
    "clock_gettime": 228,
    "clock_getres": 229,
    "clock_nanosleep": 230,
    "getrandom": 318,
}
# What a shell and its tools need beside the rest. Only where a PID namespace ends them together.
COMMANDS = {
    "fork": 57,
    "vfork": 58,
    "execve": 59,
    "kill": 62,
    "creat": 85,
    "link": 86,
    "chown": 92,
    "fchown": 93,
    "lchown": 94,
    "setpgid": 109,
    "fchownat": 260,
    "linkat": 265,
}
ALLOWED = READING_AND_WRITING | FILES | MEMORY | THREADS_AND_SIGNALS | TIME_AND_IDENTITY

# Calls that are decided by their arguments.
MMAP = 9
IOCTL = 16
SENDTO = 44
SOCKET = 41
SOCKETPAIR = 53
CLONE = 56
EXECVE = 59
FCNTL = 72
PRCTL = 157
TGKILL = 234
PRLIMIT64 = 302
CLONE3 = 435

# {,l,f}{set,get,list}xattr: tools live with "not supported", not with "not permitted".
EXTENDED_ATTRIBUTES = tuple(range(188, 197))

# FIOCLEX, FIONCLEX, FIONREAD, FIONBIO, TCGETS, TIOCGWINSZ: nothing that drives a terminal.
HARMLESS_IOCTLS = (0x5451, 0x5450, 0x541B, 0x5421, 0x5401, 0x5413)
# F_DUPFD, F_{GET,SET}FD, F_{GET,SET}FL, record locks, F_DUPFD_CLOEXEC, F_GETPIPE_SZ: neither larger
# pipes nor F_SETOWN and F_SETSIG, which have the kernel send signals.
HARMLESS_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
# PR_SET_NAME, PR_GET_NAME.
HARMLESS_PRCTLS = (15, 16)
MAP_SHARED = 0x01
MAP_ANONYMOUS = 0x20
CLONE_THREAD = 0x00010000
# CLONE_NEW{TIME,NS,CGROUP,UTS,IPC,USER,PID,NET}.
CLONE_NEW_NAMESPACES = 0x7E020080
