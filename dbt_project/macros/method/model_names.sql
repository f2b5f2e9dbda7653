{#- Model names as providers, clouds and gateways write them, reduced to a common form. -#}

{#- Lower case, without the path of a registry or gateway. -#}
{% macro bare_model_name(name) %}regexp_replace(lower({{ name }}), '^.*/', ''){% endmacro %}

{#- Without geography and vendor (Bedrock), revision, date and channel; dots written as dashes. -#}
{% macro common_model_name(name) %}
    {%- set text = bare_model_name(name) -%}
    {%- set cuts = [
        '^((us|eu|apac|global|jp|au|us-gov)[.])?(ai21|amazon|anthropic|cohere|deepseek|google|meta|minimax|mistral|moonshot|nvidia|openai|qwen|zai)[.]',
        '@.*$',
        '(-v[0-9]+)?:([0-9]+|free|beta|latest)$',
        '-v[0-9]+$',
        '[-_](20[0-9]{2}-?[0-9]{2}-?[0-9]{2})$',
        '-(latest|preview|exp)(-[0-9]{2}-[0-9]{2})?$',
    ] -%}
    {%- set ns = namespace(text=text) -%}
    {%- for cut in cuts -%}{%- set ns.text = "regexp_replace(" ~ ns.text ~ ", '" ~ cut ~ "', '')" -%}{%- endfor -%}
    {{ return("replace(" ~ ns.text ~ ", '.', '-')") }}
{% endmacro %}
