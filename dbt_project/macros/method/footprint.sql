{#- The method, applied to the sums of one usage row. Names: u usage, m model factors, p method
    parameters, f unit factors. -#}

{#- Sums of the token terms with the reference call filled in where one side was not reported. -#}
{% macro output_tokens() %}
case when u.energy_route = 'token_input_only' then p.reference_output_tokens_mid * u.calls else u.output_tokens end
{%- endmacro %}

{% macro output_context_product() %}
case u.energy_route
    when 'token_output_only' then u.output_context_product + p.reference_input_tokens_mid * u.output_tokens
    when 'token_input_only'
        then p.reference_output_tokens_mid * (u.input_tokens + u.cached_input_tokens)
            + p.reference_output_tokens_mid * p.reference_output_tokens_mid * u.calls / 2e0
    else u.output_context_product
end
{%- endmacro %}

{% macro fresh_tokens() %}
case when u.energy_route = 'token_output_only' then p.reference_input_tokens_mid * u.calls else u.input_tokens end
{%- endmacro %}

{% macro fresh_context_product() %}
case
    when u.energy_route = 'token_output_only'
        then p.reference_input_tokens_mid * p.reference_input_tokens_mid * u.calls
    else u.input_context_product
end
{%- endmacro %}

{#- IT energy in Wh of scenario s:
    out/1000 e_out + out (in + cached + out/2)/1e6 e_ctx + (in + rho cached)/1000 e_in (1 + (in + cached)/100000) -#}
{% macro token_it_wh(s) %}
u.full_output_tokens / 1e3 * m.model_output_{{ s }}
    + u.full_output_context_product / 1e6 * m.model_context_{{ s }}
    + (
        (u.full_input_tokens + p.cached_input_ratio_{{ s }} * u.cached_input_tokens)
        + (u.full_input_context_product + p.cached_input_ratio_{{ s }} * u.cached_context_product)
        / p.attention_context_tokens_{{ s }}
    ) / 1e3 * m.model_input_{{ s }}
{%- endmacro %}

{#- IT energy in kWh of scenario s, whatever the route. -#}
{% macro it_kwh(s) %}
case
    when u.energy_route in ('cache_hit', 'no_inference') then 0e0
    when u.energy_route in ('measured', 'reported') then u.metered_wh / 1e3
    else
        case when u.is_batch_tier then p.batch_tier_factor_{{ s }} else 1e0 end
        * case u.energy_route
            when 'unit' then u.units * coalesce(f.value_{{ s }}, d.value_{{ s }})
            when 'call' then u.calls * m.model_call_{{ s }}
            else ({{ token_it_wh(s) }}) / 1e3
        end
end
{%- endmacro %}
