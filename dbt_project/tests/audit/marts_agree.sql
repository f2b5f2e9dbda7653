{{ config(tags=['audit']) }}
-- The five marts and their base hold the same totals on every day, to 1e-9.
{%- set tables = {} %}
{%- for name in ['usage', 'org', 'team', 'user', 'model', 'region'] %}
{%- do tables.update({name: ref(name ~ '_footprint_daily')}) %}
{%- endfor %}
{{ differing_totals(tables) }}
