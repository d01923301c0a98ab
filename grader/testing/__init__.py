"""What people use in their own tests and editors: plays of any app, and checks as tests."""
