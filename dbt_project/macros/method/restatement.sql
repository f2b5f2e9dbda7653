{#- Frozen usage with the factors it was reported with (`r`) and those known now (`n`), and its IT
    energy under both; by profile, since nothing else decides the factors. -#}
{% macro frozen_usage() -%}
select
        u.org_id,
        {{ month_start('u.usage_date') }} as period_start,
        r.known_on as frozen_on,
        {{ it_kwh('mid', 'r') }} as it_reported,
        {{ it_kwh('mid', 'n') }} as it_restated,
        r.it_factor_ids as it_ids_reported,
        n.it_factor_ids as it_ids_restated
        {%- for term in factor_terms() %},
        r.{{ term }}_mid as {{ term }}_reported,
        n.{{ term }}_mid as {{ term }}_restated,
        r.{{ term }}_factor_ids as {{ term }}_ids_reported,
        n.{{ term }}_factor_ids as {{ term }}_ids_restated
        {%- endfor %}
    from {{ usage_by_profile(touched(ref('int_usage_daily'), 'usage_date', 'month')) }} as u
    inner join {{ touched(ref('int_factors_applied_as_reported_daily'), 'usage_date', 'month') }} as r
        on u.usage_date = r.usage_date and u.org_id = r.org_id and u.profile_key = r.profile_key
    inner join {{ touched(ref('int_factors_applied_daily'), 'usage_date', 'month') }} as n
        on u.usage_date = n.usage_date and u.org_id = n.org_id and u.profile_key = n.profile_key
{%- endmacro %}
