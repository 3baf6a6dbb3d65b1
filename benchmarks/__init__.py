"""Side-by-side measurements that anybody can run; never part of the tests."""
