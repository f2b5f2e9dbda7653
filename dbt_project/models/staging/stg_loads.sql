select
    load_id,
    schema_name,
    status,
    inserted_at
from {{ source('raw', '_dlt_loads') }}
