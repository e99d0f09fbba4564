"""Values that break careless code."""

# ruff: noqa: RUF001 - letters that look alike are part of the point

from __future__ import annotations

NAMES = (
    "Иван Тестов",
    'Anna "Аня" O\'Hara',
    "Back\\slash \\n \\u0041",
    "Ёлка 🎄👩\u200d👩\u200d👧",
    "山田 太郎",
    "محمد علي",
    "\u202eобратно\u202c",
    "  пробелы вокруг  ",
    "<b>Жирный</b> &amp; &lt;script&gt;",
    "Tab\tNewline\nBell\x07Nul\x00End",
    "'; DROP TABLE customer; --",
    "null",
    "0",
    "Ж" * 50,
    "Петрова-Водкина Анна-Мария",
    "e\u0301 é \ufb01 \ufeff",
    "\u2028\u2029",
    "=1+1",
)
NOTES = (
    None,
    "",
    "Позвонить после 18:00",
    "{not json",
    '{"a": [1, "б"]}',
    "строка 1\r\nстрока 2\rстрока 3\n",
    " ",
    "100 %, $€₽ ½ \U0001f600",
    "\x01\x1f\x7f\x85\xa0",
    "длинно " * 10_000,
    "https://example.test/?a=1&b=%20#x",
)
BIRTHDAYS = (None, "2012-12-03", "1900-01-01", "2024-02-29", "1969-12-31", "1970-01-01", "0001-01-01", "9999-12-31")
MONEY = ("0.00", "575.00", "-1500.00", "0.01", "99999999999.99", "1500.00", "-0.01", "264.00")
BONUSES = (0, 1044, -5, 0.5, 0, 1)
PHONES: tuple[list[str], ...] = (
    ["+7(900)000-00-01"],
    [],
    ["+7(999)999-99-99", "+7(812)123-45-67"],
    ["+44 20 7946 0000"],
    ["нет"],
)
EMAILS: tuple[list[str], ...] = ([], ["ivan@example.test"], ["a+b@example.test", "почта@пример.рф"])
CUSTOM = (None, "", "12", "09.09.2024", "нет данных", "1e3", "007")
COLORS = (None, "green", 3, "", "7")
