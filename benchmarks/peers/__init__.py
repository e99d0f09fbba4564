"""What a user would pick instead, each written as its tutorial teaches; run as scripts in environments of their own."""
