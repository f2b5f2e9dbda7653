{{ config(tags=['factors']) }}
-- Every country code leads to a zone with a grid factor and with water of its own or of the world.
{{ zones_without_factors('countries', 'country_code', 'zone_id') }}
