"""List names and places, Chinese and others, of which people and addresses are made up.

All are common; any likeness to a person is chance. Telephone numbers and mail addresses lie where
nobody has one.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Country:
    """How people are named and where they live in one country."""

    code: str
    """Two letters (ISO 3166-1)."""
    language: str
    """Language tag (BCP 47)."""
    currency: str
    """Three letters (ISO 4217)."""
    families: tuple[str, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    cities: tuple[tuple[str, str, str], ...]
    """State or province, city, first digits of postal codes."""
    streets: tuple[str, ...]
    is_family_first: bool = False
    postal_digits: int = 5


CHINA: Final = Country(
    "CN",
    "zh-CN",
    "CNY",
    (*"王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐", "欧阳", "司马", "上官"),
    ("芳", "娜", "敏", "静", "秀英", "丽", "艳", "桂英", "婷婷", "雪", "思雨", "欣怡", "梦琪"),
    ("伟", "强", "磊", "洋", "勇", "军", "杰", "涛", "超", "明", "志强", "浩然", "子轩", "宇航"),
    (
        ("北京市", "北京市", "10"),
        ("上海市", "上海市", "20"),
        ("广东省", "广州市", "51"),
        ("广东省", "深圳市", "51"),
        ("浙江省", "杭州市", "31"),
        ("四川省", "成都市", "61"),
        ("湖北省", "武汉市", "43"),
        ("陕西省", "西安市", "71"),
        ("江苏省", "南京市", "21"),
    ),
    ("人民路", "解放路", "中山路", "建设路", "和平路", "新华路", "文化路", "长江路"),
    is_family_first=True,
    postal_digits=6,
)
UNITED_STATES: Final = Country(
    "US",
    "en-US",
    "USD",
    ("Smith", "Johnson", "Nguyen", "Garcia", "Brown", "Davis", "Martinez", "O'Brien", "Kim"),
    ("Mary", "Linda", "Jennifer", "Emily", "Aisha", "Grace", "Olivia", "Sofia"),
    ("James", "Robert", "Michael", "David", "Carlos", "Daniel", "Liam", "Noah"),
    (
        ("MA", "Boston", "021"),
        ("CA", "Oakland", "946"),
        ("TX", "Austin", "787"),
        ("IL", "Chicago", "606"),
        ("WA", "Seattle", "981"),
    ),
    ("Main Street", "Oak Avenue", "Maple Drive", "Second Street", "Park Road", "Lake View"),
)
GERMANY: Final = Country(
    "DE",
    "de-DE",
    "EUR",
    ("Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Yılmaz", "Groß", "Köhler"),
    ("Anna", "Ursula", "Monika", "Leonie", "Käthe", "Elif", "Sabine"),
    ("Thomas", "Jürgen", "Stefan", "Jonas", "Björn", "Mehmet", "Paul"),
    (
        ("Berlin", "Berlin", "10"),
        ("Bayern", "München", "80"),
        ("Hamburg", "Hamburg", "20"),
        ("Sachsen", "Leipzig", "04"),
    ),
    ("Hauptstraße", "Schulstraße", "Gartenweg", "Bahnhofstraße", "Lindenallee"),
)
FRANCE: Final = Country(
    "FR",
    "fr-FR",
    "EUR",
    ("Martin", "Bernard", "Dubois", "Lefèvre", "Moreau", "Benali", "Girard"),
    ("Camille", "Élodie", "Chloé", "Nathalie", "Inès", "Manon"),
    ("Hugo", "François", "Théo", "Karim", "Rémi", "Jérôme"),
    (("Île-de-France", "Paris", "75"), ("Rhône", "Lyon", "69"), ("Gironde", "Bordeaux", "33")),
    ("rue de la Paix", "avenue Victor Hugo", "rue des Écoles", "place du Marché"),
)
COUNTRIES: Final = (CHINA, CHINA, UNITED_STATES, GERMANY, FRANCE)
"""Countries as often as they are chosen."""

HOSPITALS: Final = {
    "CN": ("第一人民医院", "中心医院", "妇幼保健院"),
    "US": ("General Hospital", "Community Clinic", "Medical Center"),
    "DE": ("Klinikum", "Kreiskrankenhaus", "Gemeinschaftspraxis"),
    "FR": ("Centre hospitalier", "Clinique", "Hôpital"),
}
"""Kinds of health-care providers by country."""
INSURERS: Final = {
    "CN": "居民健康保险",
    "US": "Mutual Health Plan",
    "DE": "Gesundheitskasse",
    "FR": "Assurance santé",
}
"""Names of insurers by country."""
