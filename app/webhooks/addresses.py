"""Which addresses a webhook may go to: the guard against requests forged into networks that trust us (SSRF).

Pure: it reads addresses and judges them, and refuses to resolve a name or open a connection.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from pydantic_core import Url, ValidationError

from app.kit.text import Text

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

LONGEST_URL: Final = 2048
_LONGEST_HOST: Final = 253

# IANA's IPv4 special-purpose registry (RFC 6890 and its updates), multicast, class E, and what clouds put elsewhere.
_SPECIAL_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; also some clouds' metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's wire server, on a public-looking address
        "169.254.0.0/16",  # link-local, metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT relays
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

# IPv6 is judged the other way round: only global unicast can be public, less what is special inside it. That leaves
# out loopback, IPv4-mapped and -compatible, unique local, link- and site-local, multicast and all to be assigned.
_GLOBAL_V6: Final = IPv6Network("2000::/3")
_SPECIAL_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which hides an IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""On a network without IPv4 every public IPv4 host is reached through this prefix (RFC 6052)."""


@dataclass
class RefusedAddressError(Exception):
    """The address is no place for a webhook; `reason` tells whoever registered it why."""

    reason: Text


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a webhook goes: the URL in its one normal form, and what it connects to."""

    url: str
    host: str
    port: int
    plain: bool
    """`http`, which is for listed networks alone."""


def destination(url: str) -> Destination:
    """Read a URL as browsers do (WHATWG), so that decimal, octal, hexadecimal, short and full-width hosts show what they are.

    Raises RefusedAddressError for anything but a plain http or https URL. The host, when it is an address, is not yet judged.
    """
    if len(url) > LONGEST_URL or any(not sign.isprintable() or sign in " \\" for sign in url):
        raise RefusedAddressError(_UNREADABLE)
    try:
        read = Url(url)
    except ValidationError:
        raise RefusedAddressError(_UNREADABLE) from None
    if read.scheme not in {"http", "https"}:
        raise RefusedAddressError(_SCHEME)
    if read.username is not None or read.password is not None:
        raise RefusedAddressError(_USERINFO)
    if read.fragment is not None:
        raise RefusedAddressError(_FRAGMENT)
    if not read.port:
        raise RefusedAddressError(_PORT)
    host = (read.host or "").removeprefix("[").removesuffix("]")
    if not host or len(host) > _LONGEST_HOST or host.endswith(".") or ".." in host:
        raise RefusedAddressError(_HOST)
    return Destination(url=str(read), host=host, port=read.port, plain=read.scheme == "http")


def literal(host: str) -> Address | None:
    """The address that `host` is, or None when it is a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def is_public(address: Address) -> bool:
    """Whether anyone on the internet could reach `address`, so that our reaching it opens nothing."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _SPECIAL_V4)
    if address.scope_id is not None:
        return False
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_V6 and not any(address in network for network in _SPECIAL_V6)


def judge(addresses: Sequence[Address], *, plain: bool, allow: Sequence[Network]) -> None:
    """Raise RefusedAddressError unless *every* address may be reached: listed in `allow`, or public and not plain http.

    One bad address among good ones refuses all: which of them a connection would take is not ours to bet on.
    """
    for address in addresses:
        if not any(address in network for network in allow) and (plain or not is_public(address)):
            raise RefusedAddressError(_PLAIN if plain else _SPECIAL)


_UNREADABLE: Final = Text("Đây không phải một URL hợp lệ.", "This is no valid URL.")
_SCHEME: Final = Text("URL phải bắt đầu bằng https://.", "The URL must begin with https://.")
_USERINFO: Final = Text(
    "URL không được chứa tên người dùng hay mật khẩu.", "The URL must not contain a user name or a password."
)
_FRAGMENT: Final = Text("URL không được chứa phần sau dấu #.", "The URL must not have a fragment (#).")
_PORT: Final = Text("Cổng phải từ 1 đến 65535.", "The port must be 1 to 65535.")
_HOST: Final = Text("Tên máy chủ trong URL không hợp lệ.", "The host name in the URL is not valid.")
_PLAIN: Final = Text(
    "Phải dùng https; http chỉ dùng được trong các mạng liệt kê ở DUNGHEN_WEBHOOK_ALLOW_NETWORKS.",
    "https is required; http works only inside networks listed in DUNGHEN_WEBHOOK_ALLOW_NETWORKS.",
)
_SPECIAL: Final = Text(
    "Máy chủ này trỏ tới địa chỉ nội bộ hoặc đặc biệt, không được phép nhận webhook.",
    "This host leads to an internal or special address, where no webhook may go.",
)
