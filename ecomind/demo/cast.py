"""The organisations, teams, people and habits of the demonstration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Habit:
    """How a team uses one model: its share of the team's calls and typical tokens of a call."""

    provider: str
    model: str
    region: str | None
    share: float
    input_tokens: int
    output_tokens: int
    cached_share: float = 0.0
    operation: str = "chat"
    batch: bool = False


@dataclass(frozen=True, slots=True)
class Team:
    """A team: its people, calls per person and working day, and habits."""

    team_id: str
    name: str
    people: tuple[str, ...]
    calls_per_day: float
    habits: tuple[Habit, ...]


@dataclass(frozen=True, slots=True)
class Organization:
    """An organisation of the demonstration."""

    org_id: str
    name: str
    teams: tuple[Team, ...]


_ASSISTANTS = (
    Habit("openai", "gpt-5-mini", "eastus", 0.45, 900, 260),
    Habit("anthropic", "claude-sonnet-5", None, 0.35, 1800, 420, cached_share=0.4),
    Habit("gcp.gemini", "gemini-2.5-flash", "us-central1", 0.20, 700, 220),
)
_CODERS = (
    Habit("anthropic", "claude-opus-5-5", None, 0.30, 24000, 900, cached_share=0.85),
    Habit("anthropic", "claude-sonnet-5-5", None, 0.45, 16000, 650, cached_share=0.8),
    Habit("openai", "gpt-6-sol", "eastus2", 0.20, 9000, 700, cached_share=0.5),
    Habit("self-hosted", "qwen3-coder-480b-a35b", None, 0.05, 3000, 400),
)
_SUPPORT = (
    Habit("aws.bedrock", "meta.llama3-1-70b-instruct-v1:0", "eu-central-1", 0.55, 1300, 240),
    Habit("mistral_ai", "mistral-large-2512", "swedencentral", 0.35, 1100, 280),
    Habit("mistral_ai", "mistral-small-2603", "swedencentral", 0.10, 500, 120),
)
_SEARCH = (
    Habit("openai", "text-embedding-3-large", "westeurope", 0.70, 420, 0, operation="embeddings"),
    Habit("azure.ai.openai", "gpt-4.1-mini", "westeurope", 0.25, 2600, 180),
    Habit("azure.ai.openai", "gpt-4o", "westeurope", 0.05, 5200, 900, batch=True),
)
_RESEARCH = (
    Habit("deepseek", "deepseek-r1-0528", None, 0.30, 2200, 3800),
    Habit("x_ai", "grok-4", None, 0.20, 1800, 1200),
    Habit("gcp.vertex_ai", "gemini-3.1-pro", "europe-west4", 0.40, 6000, 1500, cached_share=0.3),
    Habit("acme-labs", "in-house-reasoner-2", None, 0.10, 1500, 900),
)

ORGANIZATIONS: tuple[Organization, ...] = (
    Organization(
        "northwind",
        "Northwind Logistics",
        (
            Team("operations", "Operations", ("ada", "ben", "cleo", "dan", "eva", "finn"), 9.0,
                 _ASSISTANTS),
            Team("engineering", "Engineering", ("gus", "hana", "ivo", "june", "kofi"), 22.0,
                 _CODERS),
            Team("customer-care", "Customer care", ("lea", "milo", "nora"), 30.0, _SUPPORT),
        ),
    ),
    Organization(
        "lumen",
        "Lumen Media",
        (
            Team("newsroom", "Newsroom", ("olga", "paul", "quinn", "rosa", "sami", "tess"), 14.0,
                 _ASSISTANTS),
            Team("search", "Search", ("search-service",), 160.0, _SEARCH),
        ),
    ),
    Organization(
        "helix",
        "Helix Research Institute",
        (
            Team("modelling", "Modelling", ("uma", "vik", "wren", "xena", "yara"), 11.0, _RESEARCH),
            Team("administration", "Administration", ("zoe", "arne"), 5.0, _ASSISTANTS),
        ),
    ),
)  # fmt: skip
