"""The crowd's traders, one by one."""
