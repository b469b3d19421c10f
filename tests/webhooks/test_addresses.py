"""No webhook reaches an address that trusts us; whatever it is written as."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.webhooks.addresses import (
    Address,
    Network,
    RefusedAddressError,
    destination,
    is_public,
    judge,
    literal,
)

HOSTILE_URLS = [
    # loopback in every spelling
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.1/",
    "https://0x7F.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0177.0x0.0.1/",
    "https://127.0.0.1./",
    "https://127.000.000.001/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "https://%31%32%37.0.0.1/",
    "https://127.0.0.%31/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[0000::0001]:8443/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[64:ff9b::127.0.0.1]/",
    "https://[64:ff9b::a00:1]/",
    "https://[64:ff9b:1::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2002:a00:1::1]/",
    "https://[2001:0:7f00:1::1]/",
    # this network, private, shared, link-local and what clouds answer on
    "https://0/",
    "https://0.0.0.0/",
    "https://0x/",
    "https://[::]/",
    "https://0.1.2.3/",
    "https://10.0.0.1/",
    "https://167772161/",
    "https://012.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://192.168.257/",
    "https://3232235777/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://100.127.255.255/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://169.254.43518/",
    "https://[::ffff:169.254.169.254]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[fd00:ec2::254]/",
    "https://[fd20:ce::254]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://[fc00::1]/",
    "https://192.0.0.192/",
    "https://168.63.129.16/",
    # multicast, reserved, documentation, benchmarks, relays
    "https://224.0.0.1/",
    "https://239.255.255.250/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://4294967295/",
    "https://[ff02::1]/",
    "https://[100::1]/",
    "https://[5f00::1]/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://198.18.0.1/",
    "https://198.19.255.255/",
    "https://192.88.99.1/",
    "https://[2001:db8::1]/",
    "https://[2001:2::1]/",
    "https://[2001:10::1]/",
    "https://[3fff::1]/",
    # what is no plain address at all
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::1%lo]/",
    "https://[::1/",
    "https://[v1.fe80]/",
    "https://256.1.1.1/",
    "https://1.2.3.4.5/",
    "https://a.0x7f/",
    "https://localhost./",
    "https://example.vn../",
    "https://a..b/",
    "https://user@example.vn/",
    "https://user:password@example.vn/",
    "https://example.vn@127.0.0.1/",
    "https://example.vn\\@127.0.0.1/",
    "https:\\\\example.vn/",
    "https://example.vn#@127.0.0.1/",
    "https://example.vn/#",
    "https://exa mple.vn/",
    "https://example.vn/\r\nx: y",
    "https://example\t.vn/",
    " https://example.vn/",
    "https://example.vn/\u202e",
    "https://example.vn/\u0000",
    "https://example.vn:0/",
    "https://example.vn:65536/",
    "https://example.vn:x/",
    "https:///",
    "https://",
    "example.vn",
    "//example.vn/",
    "",
    "ftp://example.vn/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_",
    "javascript:alert(1)",
    "data:text/plain,x",
    "https://" + "a" * 254 + ".vn/",
    "https://example.vn/" + "a" * 2048,
    "http://8.8.8.8/",
    "http://[2606:4700::1111]/",
]

NAT64 = ip_network("64:ff9b::/96")

ALLOWED_URLS = [
    ("https://8.8.8.8/", "8.8.8.8"),
    ("https://134744072/", "8.8.8.8"),
    ("https://[2606:4700:4700::1111]:8443/x", "2606:4700:4700::1111"),
    ("https://[64:ff9b::808:808]/", "64:ff9b::808:808"),
    ("https://172.32.0.1/", "172.32.0.1"),
    ("https://100.128.0.1/", "100.128.0.1"),
]


def _reached(url: str, allow: list[Network] | None = None) -> Address | None:
    goal = destination(url)
    address = literal(goal.host)
    if address is not None:
        judge([address], plain=goal.plain, allow=allow or [])
    return address


def test_the_table_is_long_enough() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 60


@pytest.mark.parametrize("url", HOSTILE_URLS)
def test_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(RefusedAddressError) as refused:
        _reached(url)
    assert refused.value.reason.vi
    assert refused.value.reason.en


@pytest.mark.parametrize(("url", "address"), ALLOWED_URLS)
def test_a_public_address_passes(url: str, address: str) -> None:
    assert _reached(url) == ip_address(address)


def test_a_name_is_kept_in_its_normal_form_and_still_has_to_be_resolved() -> None:
    goal = destination("HTTPS://Hồ-Sơ.Example.VN:443/nhận?khóa=1")
    assert goal.host == "xn--h-s-e7a1848a.example.vn"
    assert goal.url == "https://xn--h-s-e7a1848a.example.vn/nh%E1%BA%ADn?kh%C3%B3a=1"
    assert (goal.port, goal.plain) == (443, False)
    assert literal(goal.host) is None


@pytest.mark.parametrize(
    ("network", "url"),
    [
        ("127.0.0.0/8", "http://127.0.0.1:8080/"),
        ("127.0.0.0/8", "https://2130706433/"),
        ("10.1.0.0/16", "https://10.1.2.3/"),
        ("fd00::/8", "http://[fd00::1]/"),
    ],
)
def test_a_listed_network_passes_and_may_use_http(network: str, url: str) -> None:
    _reached(url, [ip_network(network)])
    with pytest.raises(RefusedAddressError):
        _reached(url, [ip_network("192.168.0.0/16")])


def test_one_bad_address_among_good_ones_refuses_all() -> None:
    good, bad = ip_address("8.8.8.8"), ip_address("10.0.0.1")
    judge([good, good], plain=False, allow=[])
    for answers in ([good, bad], [bad, good]):
        with pytest.raises(RefusedAddressError):
            judge(answers, plain=False, allow=[])


def test_http_to_a_public_address_beside_a_listed_one_is_refused() -> None:
    answers = [ip_address("127.0.0.1"), ip_address("8.8.8.8")]
    with pytest.raises(RefusedAddressError):
        judge(answers, plain=True, allow=[ip_network("127.0.0.0/8")])


@settings(deadline=None)  # of the machine's load, not of the rule
@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_ipv4_address_that_python_calls_special_is_public(address: IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public(address)
    embedded = [
        int(address),  # IPv4-compatible
        0xFFFF << 32 | int(address),  # IPv4-mapped
        0x2002 << 112 | int(address) << 80,  # 6to4
        0x2001 << 112 | int(address) << 64,  # Teredo
    ]
    assert not any(is_public(IPv6Address(form)) for form in embedded)
    assert is_public(IPv6Address(0x64FF9B << 96 | int(address))) == is_public(address)


@settings(deadline=None)  # of the machine's load, not of the rule
@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_no_ipv6_address_that_python_calls_special_is_public(address: IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public(address) or address in NAT64


def test_an_address_with_a_zone_is_not_public() -> None:
    assert is_public(IPv6Address("2606:4700:4700::1111"))
    assert not is_public(IPv6Address("2606:4700:4700::1111%eth0"))
