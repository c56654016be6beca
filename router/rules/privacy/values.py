"""What personal data looks like: one check for each kind of value, strict enough to leave product ids alone.

A run of bare digits says nothing by itself (privacy 1.1): a telephone number has its plus or its groups, a card number
the beginning that its issuer has and the right check digit.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address

LONGEST = 256
"""Longer texts are not looked at: prose is not an identifier."""
_EMAIL = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z][A-Za-z0-9-]{1,62}")
_PHONE = re.compile(r"\+\d{8,15}|\+\d{1,3}(?:[ .()-]{1,2}\d{1,4}){2,5}|\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}")
_CARD = re.compile(r"\d(?:[ -]?\d){12,18}")
_ISSUERS = (
    *(
        r"4\d{15}",
        r"5[1-5]\d{14}",
        r"(?:222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}",
    ),  # Visa, Mastercard
    *(r"3[47]\d{13}", r"3[068]\d{12}", r"35\d{14}"),  # American Express, Diners Club, JCB
    *(r"6(?:011|5\d\d)\d{12}", r"62\d{14,17}"),  # Discover, UnionPay
)
_ISSUER = re.compile("|".join(_ISSUERS))
_IBAN = re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?")
_SSN = re.compile(r"(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}")
_NINO = re.compile(r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z](?: ?\d{2}){3} ?[A-D]")
_DNI = re.compile(r"([XYZ]?)-?(\d{7,8})-?([A-HJ-NP-TV-Z])")
_NIR = re.compile(r"[12] \d{2} (?:0[1-9]|1[0-2]|[2-9]\d) (?:\d{2}|2[AB]) \d{3} \d{3} \d{2}")
_CPF = re.compile(r"\d{3}\.\d{3}\.\d{3}-\d{2}")
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")
_NUMBER = re.compile(r"(?=[^\d:-]*[\d:-])[\w +().:%-]{4,64}")
"""What all but addresses for mail have in common: few signs, and a digit, colon or hyphen somewhere."""
_NOT_ADDRESS = re.compile(r"\d+(?:\.\d+){0,2}")


def is_ordinary(text: str) -> bool:
    """Whether a text is none of these at a glance: no address for mail, and too long, wordy or odd for a number."""
    return "@" not in text and _NUMBER.fullmatch(text) is None


def is_email(text: str) -> bool:
    """One @, and a domain with a dot."""
    return _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """With its plus, or in groups as they are written in America; never bare digits."""
    return _PHONE.fullmatch(text) is not None


def is_card(text: str) -> bool:
    """A payment card: length and beginning that an issuer has, and Luhn's check digit."""
    if _CARD.fullmatch(text) is None:
        return False
    digits = text.replace(" ", "").replace("-", "")
    return _ISSUER.fullmatch(digits) is not None and _luhn(digits)


def is_iban(text: str) -> bool:
    """An account number with its check digits."""
    if _IBAN.fullmatch(text) is None:
        return False
    plain = text.replace(" ", "")
    return (
        15 <= len(plain) <= 34 and int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1
    )


def is_national_id(text: str) -> bool:
    """A number that a state gives a person: US SSN, UK NINO, ES DNI and NIE, FR NIR, BR CPF, with check digits."""
    return bool(
        _SSN.fullmatch(text) or _NINO.fullmatch(text) or _is_dni(text) or _is_nir(text) or _is_cpf(text)
    )


def is_address(text: str) -> bool:
    """An IPv4 or IPv6 literal."""
    if (":" not in text and text.count(".") != 3) or _NOT_ADDRESS.fullmatch(text):
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_mac(text: str) -> bool:
    """Six pairs of hexadecimal digits."""
    return _MAC.fullmatch(text) is not None


PATTERNS: Mapping[str, Callable[[str], bool]] = {
    "social security number": is_national_id,
    "credit card": is_card,
    "iban": is_iban,
    "email": is_email,
    "phone": is_phone,
    "ip": is_address,
    "mac": is_mac,
}
"""The check of each default matcher that looks at values."""


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_dni(text: str) -> bool:
    found = _DNI.fullmatch(text)
    if found is None or len(found[1]) + len(found[2]) != 8:
        return False
    return (
        "TRWAGMYFPDXBNJZSQVHLCKE"[int(f"{'XYZ'.find(found[1]) if found[1] else ''}{found[2]}") % 23]
        == found[3]
    )


def _is_nir(text: str) -> bool:
    if _NIR.fullmatch(text) is None:
        return False
    plain = text.replace(" ", "").replace("2A", "19").replace("2B", "18")
    return 97 - int(plain[:13]) % 97 == int(plain[13:])


def _is_cpf(text: str) -> bool:
    if _CPF.fullmatch(text) is None:
        return False
    digits = [int(one) for one in text if one.isdigit()]
    if len(set(digits)) == 1:
        return False
    for length in (9, 10):
        total = sum(digit * (length + 1 - place) for place, digit in enumerate(digits[:length]))
        if total * 10 % 11 % 10 != digits[length]:
            return False
    return True
