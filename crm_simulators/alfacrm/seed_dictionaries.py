"""The small lists of the tenant."""

from __future__ import annotations

from typing import Any


def _named(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, "weight": place, **more} for place, name in enumerate(names, 1)]


def _plain(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


DICTIONARIES: dict[str, list[dict[str, Any]]] = {
    "branch": [
        {"name": "Главный", "is_active": 1, "subject_ids": [1, 2], "weight": 1},
        {"name": 'Филиал "Юг" <2>', "is_active": 1, "subject_ids": [], "weight": 2},
        {"name": "Закрытый", "is_active": 0, "subject_ids": [3], "weight": 3},
    ],
    "location": [
        {"branch_id": 1, "name": "Ленина, 1", "is_active": 1, "weight": 1},
        {"branch_id": 1, "name": "Склад", "is_active": 0, "weight": 2},
        {"branch_id": 2, "name": "Южная, 5", "is_active": 1, "weight": 1},
        {"branch_id": 3, "name": "Старый дом", "is_active": 0, "weight": 1},
    ],
    "room": [
        {"branch_id": 1, "location_id": 1, "color_id": 1, "name": "A", "note": "Большая", "is_enabled": 1, "weight": 1},
        {"branch_id": 1, "location_id": None, "color_id": 2, "name": "Онлайн", "is_enabled": 1, "weight": 2},
        {"branch_id": 2, "location_id": 3, "color_id": 3, "name": "B", "note": "", "is_enabled": 1, "weight": 1},
        {"branch_id": 3, "location_id": 4, "color_id": 4, "name": "C", "is_enabled": 0, "weight": 1},
    ],
    "subject": [
        *_named("Английский", "数学", "Robotics & <code>", active=1),
        {"name": "Архивный предмет", "weight": 4, "active": 0},
    ],
    "study-status": [*_named("Активен", "Пауза", is_enabled=1), {"name": "Старый", "weight": 3, "is_enabled": 0}],
    "lead-status": _named("Новый", "Звонок", "Пробный урок", "Думает", "Купил", is_enabled=1),
    "lead-source": [
        {"code": "site", "name": "Сайт", "is_enabled": 1, "weight": 1},
        {"code": "vk", "name": "ВКонтакте", "is_enabled": 1, "weight": 2},
        {"code": "flyer", "name": "Листовка", "is_enabled": 0, "weight": 3},
    ],
    "lead-reject": _named("Дорого", "Далеко", is_enabled=1),
    "customer-reject": _named("Переезд", "Закончил курс", is_enabled=1),
    "lesson-type": [
        {"name": "Индивидуальный", "type": 1, "icon": "user", "is_active": 1, "sort": 1},
        {"name": "Групповой", "type": 2, "icon": "users", "is_active": 1, "sort": 2},
        {"name": "Пробный", "type": 3, "icon": "", "is_active": 1, "sort": 3},
        {"name": "Мастер-класс", "type": 2, "icon": None, "is_active": 0, "sort": 4},
    ],
    "pay-account": [
        {"branch_id": 1, "name": "Наличные", "user_ids": [1, 2], "is_enabled": 1, "weight": 1},
        {"branch_id": 2, "name": "Терминал", "user_ids": [], "is_enabled": 1, "weight": 1},
    ],
    "pay-item-category": _named("Обучение", "Аренда"),
    "pay-item": [
        {"branch_ids": [1, 2], "category_id": 1, "pay_type_ids": [1, 5], "name": "Занятия", "weight": 1},
        {"branch_ids": [], "category_id": 2, "pay_type_ids": [7], "name": "Аренда зала", "weight": 2},
    ],
    "pay-type": [
        {"id": 1, "name": "Доход"},
        {"id": 5, "name": "Возврат"},
        {"id": 7, "name": "Расход"},
        {"id": 8, "name": "Зарплата"},
    ],
    "pipeline": _plain("Основная воронка"),
    "company": _plain("Школа"),
    "user": [
        {"name": "API", "email": "api@example.test"},
        {"name": "Менеджер", "email": "manager@example.test"},
    ],
    "tariff": [
        {"type": 1, "name": "8 занятий", "price": "264.00", "lessons_count": 8, "duration": 60, "branch_ids": [1, 2]},
        {"type": 2, "name": "Месяц", "price": "5000.00", "lessons_count": 0, "duration": 60, "branch_ids": [1]},
        {"type": 3, "name": "Неделя", "price": "0.00", "lessons_count": 2, "duration": 45, "branch_ids": [2]},
        {"type": 1, "name": "Старый", "price": "1.10", "lessons_count": 1, "branch_ids": [1], "is_archive": 1},
    ],
    "level": _plain("A1", "B2"),
    "group-level": _plain("Начальный", "Средний"),
    "group-status": _plain("Открыта", "Идёт", "Закрыта"),
}
for _tariff in DICTIONARIES["tariff"]:
    _tariff["added"] = "2025-01-10 12:00:00"
