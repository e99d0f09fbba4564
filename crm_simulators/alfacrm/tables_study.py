"""Lessons and money."""

from __future__ import annotations

from crm_simulators.alfacrm.columns import DOT, STAMPS, Column, computed, day, flag, ids, integer, moment, text, title
from crm_simulators.alfacrm.entity import ALL, WRITES, Entity, Filter, any_of, days, equal, numbers, stamps, texts_in

LESSON = Entity(
    "lesson",
    (
        integer("branch_id", "Филиал", refers="branch"),
        integer("regular_id", readonly=True),
        day("date", "Дата урока", required=True, alias="lesson_date"),
        Column("time_from", "clock", "Время начала", required=True),
        Column("time_to", "clock", "Время окончания"),
        integer("lesson_type_id", "Тип урока", required=True, refers="lesson-type"),
        integer("status", "Статус", empty=1, choices=(1, 2, 3)),
        integer("subject_id", "Предмет", required=True, refers="subject"),
        integer("room_id", "Аудитория", refers="room"),
        ids("teacher_ids", "Педагоги", refers="teacher"),
        ids("customer_ids", "Клиенты", refers="customer"),
        ids("group_ids", "Группы", refers="group"),
        Column("streaming", "bool", empty=False),
        text("note", "Комментарий"),
        text("topic", "Тема"),
        text("homework", "Домашнее задание"),
        integer("duration", "Длительность"),
        *STAMPS,
        Column("details", "any", empty=(), readonly=True),
        Column("custom_zoom", "custom"),
    ),
    scope="one",
    actions=ALL,
    filters={
        **equal("subject_id", "lesson_type_id"),
        **days("date", "date", ("iso", "dot")),
        **stamps(),
        "status": Filter("status", "status"),
        "teacher_id": Filter("any_of", "teacher_ids"),
        "customer_id": Filter("any_of", "customer_ids"),
        "group_id": Filter("any_of", "group_ids"),
        "location_ids": Filter("any_of", "location_id"),
        "room_ids": Filter("any_of", "room_id"),
    },
)

REGULAR_LESSON = Entity(
    "regular-lesson",
    (
        integer("branch_id", "Филиал", required=True, refers="branch"),
        integer("lesson_type_id", "Тип урока", refers="lesson-type"),
        integer("subject_id", "Предмет", refers="subject"),
        integer("room_id", "Аудитория", refers="room"),
        text("related_class"),
        integer("related_id"),
        ids("teacher_ids", refers="teacher"),
        Column("streaming", "bool", empty=False),
        Column("day", "ints", "День недели", required=True, alias="days"),
        Column("time_from_v", "clock", "Время начала"),
        Column("time_to_v", "clock", "Время окончания"),
        day("b_date", "Начало периода", alias="b_date_v", forms=DOT),
        day("e_date", "Конец периода", alias="e_date_v", forms=DOT),
        Column("is_public", "bool", empty=False),
    ),
    scope="one",
    actions=ALL,
    filters={
        **equal("related_class", "related_id"),
        "teacher_id": Filter("any_of", "teacher_ids"),
        "group_id": Filter("equal", "related_id"),
        "date_from": Filter("overlap_from", "e_date"),
        "date_to": Filter("overlap_to", "b_date"),
    },
)

PAY = Entity(
    "pay",
    (
        integer("branch_id", "Филиал", required=True, refers="branch"),
        integer("location_id", refers="location"),
        integer("customer_id", "Клиент", refers="customer"),
        integer("pay_type_id", "Тип платежа", required=True, refers="pay-type"),
        integer("pay_account_id", "Счёт", required=True, refers="pay-account"),
        integer("pay_item_id", refers="pay-item"),
        integer("pay_item_category_id", refers="pay-item-category"),
        integer("teacher_id", refers="teacher"),
        integer("employee_id"),
        integer("manager_id"),
        integer("commodity_id"),
        integer("ctt_id", refers="customer-tariff"),
        ids("group_ids", refers="group"),
        day("document_date", "Дата платежа", required=True, dot=True, forms=DOT),
        Column("income", "money", "Сумма", required=True),
        Column("bonus", "number", empty=0),
        text("payer_name", "Плательщик", required=True, limit=50),
        text("note", "Примечание"),
        flag("is_confirmed", empty=1),
        flag("is_fiscal", empty=0),
        *STAMPS,
        Column("custom_md_order", "custom"),
        Column("custom_order_description", "custom"),
        Column("currency", "text", hidden=True),
    ),
    scope="one",
    actions=ALL,
    order="document_date",
    filters={
        **equal(
            "currency", "location_id", "customer_id", "employee_id", "pay_item_category_id", "pay_type_id",
            "pay_item_id", "pay_account_id", "commodity_id", "is_confirmed", "is_fiscal",
        ),
        **texts_in("payer_name", "note"),
        **any_of("group_ids"),
        **numbers("sum", "income"),
        **numbers("bonus", "bonus"),
        **days("date", "document_date", ("iso", "point")),
        **stamps(),
    },
)  # fmt: skip

TARIFF = Entity(
    "tariff",
    (
        integer("type", "Тип", required=True, choices=(1, 2, 3)),
        title(),
        Column("price", "money", "Цена", empty="0.00"),
        integer("lessons_count", empty=0),
        integer("duration"),
        moment("added", readonly=True),
        ids("branch_ids", "Филиалы", refers="branch"),
        flag("is_archive", empty=0),
    ),
    scope="many",
    branchless=True,
    actions=ALL,
    filter_id=False,
)

CUSTOMER_TARIFF = Entity(
    "customer-tariff",
    (
        computed(integer("customer_id")),
        integer("tariff_id", "Абонемент", required=True, refers="tariff"),
        ids("subject_ids", refers="subject"),
        ids("lesson_type_ids", refers="lesson-type"),
        flag("is_separate_balance", empty=0),
        Column("balance", "money", empty="0.00", readonly=True),
        integer("paid_count", empty=0, readonly=True),
        moment("paid_till", readonly=True),
        integer("paid_lesson_count", empty=0, readonly=True),
        text("note"),
        day("b_date", "Начало действия", dot=True, forms=DOT),
        day("e_date", "Конец действия", dot=True, forms=DOT),
        flag("is_archive", empty=0),
        flag("is_burnable_out", empty=0, hidden=True),
    ),
    actions=ALL,
    filters={
        **equal("tariff_id", "is_burnable_out", "is_separate_balance"),
        "balance": Filter("balance", "balance"),
        "dead": Filter("dead", "is_archive"),
        "tariff_type": Filter("through_tariff", "type"),
    },
    parents=("customer_id",),
    log_name="CustomerToTariff",
)

DISCOUNT = Entity(
    "discount",
    (
        integer("branch_id", refers="branch"),
        integer("customer_id", refers="customer"),
        integer("discount_type"),
        Column("amount", "number", empty=0),
        text("note"),
        ids("subject_ids", refers="subject"),
        ids("lesson_type_ids", refers="lesson-type"),
        day("begin", dot=True),
        day("end", dot=True),
    ),
    branchless=True,
    unproven=WRITES,
    paged=False,
)

STUDY = (LESSON, REGULAR_LESSON, PAY, TARIFF, CUSTOMER_TARIFF, DISCOUNT)
