"""A client of the pick server that clears a table: pickup and place until nothing is left. Also an example of one."""
