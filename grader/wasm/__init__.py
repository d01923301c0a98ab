"""What stands for threads, sockets, signals and processes where Python runs in a browser.

Nothing else in the kit knows of it: `install` puts it in the place of what the operating
system gives elsewhere, before anything else of the kit is imported.
"""
