"""`vitrine import`: a shop's own files into the services, with every line accounted for."""
