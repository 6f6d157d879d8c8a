"""HTTP: tracking calls come in, people's programs read and change what there is, customers follow links."""
