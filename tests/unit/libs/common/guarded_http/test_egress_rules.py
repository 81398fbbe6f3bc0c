"""Which targets are refused before anything is sent."""

import pytest
from yarl import URL

from libs.common.errors import HeddleError
from libs.common.guarded_http.address_rules import is_public
from libs.common.guarded_http.egress_errors import EgressRefused
from libs.common.guarded_http.egress_rules import EgressRules, Endpoint

RULES = EgressRules.parse(["10.1.2.3:8080", "ollama:11434", "[fd00::5]:80"])

PRIVATE = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "100.127.255.254",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "100::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
]
PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "2606:4700::1111",
    "2a00:1450::1",
    "::ffff:8.8.8.8",
]

REFUSED_URLS = [
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://127.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.0x1/",
    "http://0/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:7f00:1]/",
    "http://[fe80::1%25eth0]/",
    "http://[::]/",
    "http://①②⑦.⓪.⓪.①/",
    "http://\uff11\uff12\uff17.0.0.1/",
    "http://127。0。0。1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://user@example.org/",
    "http://user:password@example.org/",
    "http://:password@example.org/",
    "http://example.org@127.0.0.1/",
    "ftp://example.org/",
    "file:///etc/passwd",
    "gopher://example.org/",
    "ws://example.org/",
    "unix:///var/run/socket",
    "//127.0.0.1/",
    "http:///",
    "/relative",
    "http://10.1.2.3:8081/",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_refused_urls(url: str) -> None:
    with pytest.raises((HeddleError, ValueError)):
        RULES.check_url(URL(url))


@pytest.mark.parametrize(
    "url",
    ["http://example.org/", "https://1.1.1.1/", "http://10.1.2.3:8080/x", "http://[fd00::5]/"],
)
def test_admitted_urls(url: str) -> None:
    RULES.check_url(URL(url))


def test_the_allow_list_is_for_one_port_of_one_host() -> None:
    RULES.check_address("192.168.0.9", "Ollama", 11434)
    for host, port in (("ollama", 80), ("other", 11434)):
        with pytest.raises(EgressRefused):
            RULES.check_address("192.168.0.9", host, port)


@pytest.mark.parametrize("text", ["host", ":80", "host:", "host:http"])
def test_a_malformed_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        Endpoint.parse(text)
