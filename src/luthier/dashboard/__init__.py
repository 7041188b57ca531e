"""A web application that shows studies and steers them."""
