{#- Usage buckets: what tells them apart, what they count, and the days they are booked on. -#}

{#- Everything that two buckets of different usage differ in, besides the organisation. -#}
{% macro bucket_dimensions() %}
    {{ return(['connector', 'provider', 'series_id', 'temporality', 'bucket_start', 'bucket_end', 'model',
        'operation', 'service', 'project_ref', 'api_key_ref', 'user_ref', 'service_tier', 'batch',
        'inference_geo', 'region']) }}
{% endmacro %}

{#- What buckets count that calls can be compared by, as columns of a bucket. -#}
{% macro bucket_counts() %}{{ return(['request_count', 'input_tokens', 'output_tokens']) }}{% endmacro %}

{#- First and last day (UTC) a bucket is booked on: those it covers; the first alone where it covers
    more than 31 days; for a running total the day it was read. -#}
{% macro bucket_first_date() -%}
case when temporality = 'cumulative' then {{ bucket_read_date() }} else cast(bucket_start as date) end
{%- endmacro %}

{% macro bucket_last_date() -%}
case
            when temporality = 'cumulative' or bucket_end <= bucket_start + interval 31 days
                then {{ bucket_read_date() }}
            else cast(bucket_start as date)
        end
{%- endmacro %}

{#- Midnight ends a day. -#}
{% macro bucket_read_date() %}cast(bucket_end - interval 1 microsecond as date){% endmacro %}

{#- Whether a bucket covers a touched day, as literal bounds that reach the scan. -#}
{% macro covers_touched_day() %}
    {%- set parts = ['1 = 0'] -%}
    {%- for first, after in touched_spans('bucket_day') -%}
        {%- do parts.append('bucket_end > ' ~ first ~ ' and bucket_start < ' ~ after
            ~ " and (temporality <> 'cumulative' or bucket_end <= " ~ after ~ ')') -%}
    {%- endfor -%}
    {{ return('((' ~ parts | join(') or (') ~ '))') }}
{% endmacro %}
