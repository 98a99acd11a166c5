"""Personal data that has a form of its own: addresses of mail and machines, numbers, folders.

Telephone numbers are found by `phonenumbers`; the others by their form and their own checksums.
Names of people and postal addresses have no form: they are not found.
"""

import ipaddress
import re
from collections.abc import Iterator

_EMAIL = re.compile(
    r"(?<![\w.+%-])[A-Za-z0-9][\w.+%-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w-])"
)
_NOBODYS_MAIL = re.compile(
    r"(?:git|noreply|no-reply)@|"
    r"@(?:[\w-]+\.)*(?:example\.(?:com|org|net)|[\w-]+\.(?:example|test|invalid|localhost))$",
    re.IGNORECASE,
)
"""What documentation writes, and what no person reads."""
_LOGIN = re.compile(r"://[^\s/@]*\Z")
_LONGEST_LOGIN = 100
"""In `://name:password@host` stands no address of mail."""
_IPV4 = re.compile(r"(?<![\w.-])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34}(?![\w:.])")
_WELL_KNOWN = {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"}
_CARD = re.compile(r"(?<![\w.-])[3-6]\d{3}(?:[ -]?\d{2,6}){2,4}(?![\w-]|\.\d)")
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)")
_FOLDER = re.compile(
    r"(?<![\w.~/-])(/home/|/Users/|[A-Za-z]:\\{1,2}Users\\{1,2})([A-Za-z][\w.-]{1,31})(?=[/\\])"
)
_NOBODYS_FOLDER = {
    *("user", "username", "you", "me", "your_name", "yourname", "name", "runner", "ubuntu"),
    *("shared", "public", "default", "root", "app", "node", "vscode", "admin", "pi", "guest"),
}
_PHONE = re.compile(r"\+[\s(]{0,2}\d")


def find_personal(text: str, region: str | None = None) -> Iterator[tuple[str, str, str]]:
    """Each piece of personal data: what is kept of it, the rest, and what that is.

    `region` is the country, such as `US`, whose numbers are also found without a country code.
    """
    if "@" in text:
        for match in _EMAIL.finditer(text):
            login = _LOGIN.search(text, max(0, match.start() - _LONGEST_LOGIN), match.start())
            if not login and not _NOBODYS_MAIL.search(match[0]):
                yield "", match[0], "EMAIL"
    for match in _FOLDER.finditer(text):
        if match[2].lower() not in _NOBODYS_FOLDER:
            yield match[1], match[2], "USER"
    for match in _IPV4.finditer(text):
        if match[0] not in _WELL_KNOWN and _is_public(match[0]):
            yield "", match[0], "IP"
    for match in _IPV6.finditer(text):
        if _is_public(match[0]):
            yield "", match[0], "IP"
    for match in _CARD.finditer(text):
        if _is_card(match[0]):
            yield "", match[0], "CARD"
    for match in _IBAN.finditer(text):
        if _is_iban(match[0]):
            yield "", match[0], "IBAN"
    yield from (("", number, "PHONE") for number in _phones(text, region))


def _phones(text: str, region: str | None) -> Iterator[str]:
    if region is None and not _PHONE.search(text):
        return
    import phonenumbers

    for match in phonenumbers.PhoneNumberMatcher(text, region):
        yield match.raw_string


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False


def _is_card(number: str) -> bool:
    """Luhn's checksum, over as many digits as cards have."""
    digits = [int(digit) for digit in number if digit.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    right = (sum(doubled) + sum(digits[-1::-2])) % 10 == 0
    return 13 <= len(digits) <= 19 and right and len(set(digits)) > 1


def _is_iban(number: str) -> bool:
    """The checksum of ISO 13616, over as many characters as account numbers have."""
    plain = number.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    turned = plain[4:] + plain[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1
