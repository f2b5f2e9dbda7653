{#- One call, one event: what is a copy of the same event, which copy counts, and which of several
    events of one call counts. The only place that says so. -#}

{#- What copies of one event have in common. The hour belongs to it, so that a rebuilt hour never
    depends on which other hours are rebuilt with it. -#}
{% macro event_key() %}
    {{ return(['org_id', 'source', 'event_id', utc_hour('occurred_at')]) }}
{% endmacro %}

{#- Copies in order of preference: one that came to an end before one that failed, then the one that
    knows more token counts, then the earliest receipt. -#}
{% macro copy_order() -%}
case when status in ('success', 'cache_hit') then 0 else 1 end,
            {{ missing_sides() }}, received_at, landed_file, receipt_id, input_tokens, output_tokens
{%- endmacro %}

{#- How many of the two token counts an event lacks; a cache hit needs none. -#}
{% macro missing_sides() -%}
case
                when status = 'cache_hit' then 0
                else case when input_tokens is null then 1 else 0 end
                    + case when output_tokens is null then 1 else 0 end
            end
{%- endmacro %}

{#- Ids by which sources that never spoke to each other name the same call, the most telling first:
    the columns that must be given and agree, besides the organisation. -#}
{% macro links() %}
    {{ return({
        'provider_response_id': ['provider', 'provider_response_id'],
        'span_id': ['trace_id', 'span_id'],
        'gateway_call_id': ['gateway_call_id'],
    }) }}
{% endmacro %}

{#- Whether an event has the ids of a link. -#}
{% macro has_link(link) %}{{ links()[link] | reverse | join(' is not null and ') }} is not null{% endmacro %}

{#- Whether an event has the ids of any link. -#}
{% macro has_any_link() -%}
provider_response_id is not null or span_id is not null or gateway_call_id is not null
{%- endmacro %}

{#- Hash of what events of one call have in common under a link. -#}
{% macro link_hash(link) %}{{ return(hash64(["'" ~ link ~ "'", 'org_id'] + links()[link])) }}{% endmacro %}

{#- How far apart two sources may place the start of one call. -#}
{% macro link_tolerance() %}interval 15 minutes{% endmacro %}

{#- Whether a token count of two events agrees within 2 %; one that is not known agrees with any. -#}
{% macro tokens_agree(name, one, other) -%}
(
            {{ one }}.{{ name }} is null or {{ other }}.{{ name }} is null
            or abs({{ one }}.{{ name }} - {{ other }}.{{ name }}) * 50 <= greatest({{ one }}.{{ name }}, {{ other }}.{{ name }})
        )
{%- endmacro %}

{#- Kinds of sources by how much they see of a call, the best first: what they are called and which
    events are theirs. The first that fits; native events and whatever is not named here come before
    spans. -#}
{% macro source_kinds() %}
    {{ return([
        ('gateway or provider log', ['adapter'], ['litellm%', 'openmeter%', 'greenscale%', 'langfuse%', 'helicone%',
            'bedrock%', 'cursor%']),
        ('browser extension', ['source'], ['ext-chrome']),
        ("span of the provider's own SDK", ['source'], ['urn:otel:%:com.anthropic.sdk%']),
        ('span or log', ['adapter'], ['otlp%']),
        ('API or SDK', [], []),
    ]) }}
{% endmacro %}

{#- Their order of preference. -#}
{% macro source_ranking() %}
    {{ return(['gateway or provider log', 'API or SDK', "span of the provider's own SDK", 'span or log',
        'browser extension']) }}
{% endmacro %}

{#- Rank of the source of an event, 1 the best. -#}
{% macro source_rank() -%}
case
            {%- for kind, columns, patterns in source_kinds() %}
            {%- set rank = source_ranking().index(kind) + 1 %}
            {%- if patterns %}
            when {% for pattern in patterns %}{{ columns[0] }} like '{{ pattern }}'{{ ' or ' if not loop.last }}{% endfor %} then {{ rank }}
            {%- else %}
            else {{ rank }}
            {%- endif %}
            {%- endfor %}
        end
{%- endmacro %}

{#- A source's rank in words. -#}
{% macro source_kind_name(rank) -%}
case {{ rank }}
            {%- for kind in source_ranking() %}
            when {{ loop.index }} then '{{ kind | replace("'", "''") }}'
            {%- endfor %}
        end
{%- endmacro %}
