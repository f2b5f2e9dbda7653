"""What Alembic runs: the revisions, on the connection it was given and in its transaction."""

from alembic import context

from ecomind.identity.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
