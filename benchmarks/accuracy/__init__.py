"""How far the method's energy is from measurements, and from what others publish.

Belongs here: the comparison, its data, the tables and charts of ``docs/validation.md``. Does not
belong here: factors (``seeds/``) and the formulas users get (``dbt_project/``).
"""
