{#- What an event is worth in the rollup. An event stands for n calls (request_count) sampled with
    weight w; its token counts are sums over the n calls. Sums weigh w, products of two counts w / n. -#}

{% macro as_double(expression) %}cast({{ expression }} as double){% endmacro %}

{#- How the energy of an event is found; the first that applies. -#}
{% macro energy_route() %}
case
    when status = 'cache_hit' then 'cache_hit'
    when measured_energy_wh is not null then 'measured'
    when reported_energy_wh is not null then 'reported'
    when {{ unit_kind() }} is not null then 'unit'
    when coalesce(input_tokens, 0) > 0 and (output_tokens is not null or status <> 'success') then 'token'
    when coalesce(input_tokens, 0) > 0 then 'token_input_only'
    when coalesce(output_tokens, 0) > 0 then 'token_output_only'
    when status = 'error' then 'no_inference'
    else 'call'
end
{%- endmacro %}

{#- The unit that drives the energy where tokens do not; null where tokens or calls do. -#}
{% macro unit_kind() %}
case
    when operation = 'embeddings' and input_tokens > 0 then 'unit_embedding'
    when operation in ('rerank', 'moderation') and input_tokens > 0 then 'unit_rerank'
    when operation = 'image_generation' and images_count > 0 then 'unit_image'
    when operation = 'video_generation' and video_seconds > 0 then 'unit_video_second'
    when operation = 'audio_transcription' and audio_seconds > 0 then 'unit_speech_minute'
end
{%- endmacro %}

{#- How many of those units: thousands of input tokens, images, seconds or minutes. -#}
{% macro unit_count() %}
case {{ unit_kind() }}
    when 'unit_embedding' then {{ as_double('input_tokens') }} / 1e3
    when 'unit_rerank' then {{ as_double('input_tokens') }} / 1e3
    when 'unit_image' then {{ as_double('images_count') }}
    when 'unit_video_second' then video_seconds
    when 'unit_speech_minute' then audio_seconds / 60e0
    else 0e0
end
{%- endmacro %}

{#- What decides, with the day and the organisation, which factors a use takes. -#}
{% macro profile_columns() %}
    {{ return(['provider', 'model', 'region', 'inference_geo', 'energy_route', 'unit_kind', 'is_batch_tier']) }}
{% endmacro %}

{#- Who told of an event: its source, without what tells one run or one import from another. -#}
{% macro source_name() -%}
case
    when source like 'urn:otel:%' then 'urn:otel'
    when source like 'urn:ecomind:import:%' then 'urn:ecomind:import'
    else source
end
{%- endmacro %}

{#- Whose use it is and who told of it; decides no factor. -#}
{% macro usage_keys() %}{{ return(['team_id', 'user_id', 'project_id', 'source']) }}{% endmacro %}

{#- The additive quantities of a use, events aside. -#}
{% macro usage_sums() %}
    {{ return(['calls', 'input_tokens', 'cached_input_tokens', 'output_tokens', 'output_context_product',
        'input_context_product', 'cached_context_product', 'units', 'metered_wh']) }}
{% endmacro %}
