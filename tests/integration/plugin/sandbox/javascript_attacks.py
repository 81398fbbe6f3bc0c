"""Attacks in JavaScript."""

from services.plugin.domain.sandbox.execution import ExecutionLimits, ExecutionOutcome
from tests.integration.plugin.sandbox.attack import (
    CANARY,
    IMPATIENT,
    QUICK,
    Attack,
    Check,
    denied,
    either,
    failed,
    returned,
    stopped,
    stopped_in_memory,
)


def _no_canary(outcome: ExecutionOutcome) -> bool:
    known = {"PATH", "HOME", "TMPDIR", "LANG"}
    return (
        CANARY not in repr(outcome)
        and isinstance(outcome.result, list)
        and set(map(str, outcome.result)) <= known
    )


def _attack(name: str, body: str, contained: Check, limits: ExecutionLimits = QUICK) -> Attack:
    code = "const fs = require('fs');\nasync function main() {\n" + body + "\n}"
    return Attack(name=name, language="javascript", code=code, contained=contained, limits=limits)


_WORKERS = """
const { Worker } = require('worker_threads');
const all = [];
for (let i = 0; i < 200; i++) {
  all.push(new Promise((done, fail) => new Worker('for(;;){}', { eval: true }).on('error', fail)));
}
await Promise.all(all);
"""
_CONNECT = """
await new Promise((done, fail) =>
  require('net').connect(80, '127.0.0.1').on('connect', done).on('error', fail));
"""
_LISTEN = """
await new Promise((done, fail) =>
  require('net').createServer().listen(0).on('listening', done).on('error', fail));
"""
_DATAGRAM = """
await new Promise((done, fail) =>
  require('dgram').createSocket('udp4').on('error', fail).bind(0, done));
"""
_FETCH = "try { await fetch('http://127.0.0.1/'); } catch (e) { throw e.cause; }"
_WRITES = """
const written = [];
for (const folder of ['/', '/usr', '/dev', '/dev/shm', '/etc', '/guest', '/proc', '/var/tmp']) {
  try { fs.writeFileSync(folder + '/x', 'x'); written.push(folder); } catch {}
}
return written;
"""
_KILLS = """
const sent = [];
for (const target of [-1, 0, 1, process.ppid, process.pid]) {
  try { process.kill(target, 9); sent.push(target); } catch {}
}
return sent;
"""
_SPAWN = "const r = require('child_process').spawnSync('/usr/bin/id'); if (r.error) throw r.error;"
_FILL = "for (let i = 0; i < 99; i++) fs.writeFileSync('/tmp/' + i, Buffer.alloc(1 << 20));"
_DESCRIPTORS = """
for (let fd = 3; fd < 64; fd++) { try { fs.writeSync(fd, 'junk'.repeat(5)); } catch {} }
"""
_DLOPEN = "process.dlopen({ exports: {} }, '/usr/lib/x86_64-linux-gnu/libc.so.6');"
_HEAP = "const all = []; for (;;) all.push(new Array(10000).fill(all.length + 0.5));"
_BUFFERS = "const all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1));"
_WASM = """
const all = [];
for (;;) {
  const memory = new WebAssembly.Memory({ initial: 256 });
  new Uint8Array(memory.buffer).fill(1);
  all.push(memory);
}
"""

JAVASCRIPT_ATTACKS = [
    _attack("read-passwd", "return fs.readFileSync('/etc/passwd', 'utf8')", denied),
    _attack("read-proc", "return fs.readFileSync('/proc/1/environ', 'utf8')", denied),
    _attack("list-home", "return fs.readdirSync('/root')", denied),
    _attack("environment", "return Object.keys(process.env)", _no_canary),
    _attack("child-process", _SPAWN, denied),
    _attack(
        "exec",
        "process.execve('/usr/bin/python3.11', ['python3', '-c', 'print(1)'])",
        lambda outcome: outcome.status == "error" and outcome.stdout == "",
    ),
    _attack("connect", _CONNECT, denied),
    _attack("fetch", _FETCH, denied),
    _attack(
        "listen",
        _LISTEN,
        denied,
    ),
    _attack(
        "datagram",
        _DATAGRAM,
        denied,
    ),
    _attack("buffer-bomb", _BUFFERS, stopped_in_memory),
    _attack("heap-bomb", _HEAP, stopped_in_memory, ExecutionLimits(cpu_seconds=4)),
    _attack("wasm-bomb", _WASM, stopped_in_memory),
    _attack("infinite-loop", "for (;;) {}", stopped("cpu")),
    _attack(
        "sleep-forever",
        "await new Promise((done) => setTimeout(done, 1e9))",
        stopped("wall"),
        IMPATIENT,
    ),
    _attack("never-settles", "await new Promise(() => {})", failed("NoResult")),
    _attack("output-flood", "for (;;) console.log('x'.repeat(1000))", stopped("output")),
    _attack("write-everywhere", _WRITES, returned([])),
    _attack("kill-everyone", _KILLS, returned([])),
    _attack(
        "worker-bomb",
        _WORKERS,
        either(stopped("cpu", "memory", "wall"), failed("Crashed", "Error", "NoResult")),
    ),
    _attack("disk-fill", _FILL, either(stopped("disk"), denied)),
    _attack("huge-result", "return 'x'.repeat(100_000_000)", stopped("result", "memory")),
    _attack("inherited-descriptors", _DESCRIPTORS, lambda outcome: outcome.status != "ok"),
    _attack("native-module", _DLOPEN, denied),
    _attack("exit", "process.exit(0)", failed("NoResult")),
    _attack("abort", "process.abort()", failed("Crashed")),
]
