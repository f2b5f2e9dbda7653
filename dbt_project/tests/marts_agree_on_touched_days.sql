-- The five marts and their base hold the same totals on the touched days, to 1e-9.
{%- set tables = {} %}
{%- for name in ['usage', 'org', 'team', 'user', 'model', 'region'] %}
{%- do tables.update({name: touched_rows(ref(name ~ '_footprint_daily'), 'usage_date', 'day')}) %}
{%- endfor %}
{{ differing_totals(tables) }}
