"""What a user can meet: each test is one fault, met as the user would, with what is then seen; `test_the_table.py` counts them."""
