"""MongoDB for plays: a relay between the app's driver and a server."""
