"""Results for people: the terminal and an offline HTML page."""
