{#- Every figure is EcoLogits' own within 1e-6, and every row of the one is in the other. -#}
{%- set metrics = ['energy_kwh', 'gwp_usage_kg', 'gwp_embodied_kg', 'gwp_kg', 'water_l'] %}
with compared as (
    {%- for metric in metrics %}
    {%- set last_metric = loop.last %}
    {%- for bound in ['min', 'max'] %}
    select
        coalesce(ours.provider, theirs.provider) as provider,
        coalesce(ours.model, theirs.model) as model,
        coalesce(ours.output_tokens, theirs.output_tokens) as output_tokens,
        coalesce(ours.zone, theirs.zone) as zone,
        '{{ metric }}_{{ bound }}' as figure,
        ours.{{ metric }}_{{ bound }} as our_value,
        theirs.{{ metric }}_{{ bound }} as their_value
    from {{ ref('ecologits_parity') }} as ours
    full outer join {{ ref('ecologits_vectors') }} as theirs
        on ours.provider = theirs.provider
            and ours.model = theirs.model
            and ours.output_tokens = theirs.output_tokens
            and ours.zone = theirs.zone
    {{ 'union all' if not (last_metric and loop.last) }}
    {%- endfor %}
    {%- endfor %}
)

select *
from compared
where our_value is null or their_value is null
    or abs(our_value - their_value) > 1e-6 * abs(their_value)
