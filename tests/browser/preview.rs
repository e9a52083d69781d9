//! Every page with made-up contents, without a server behind it: compiles the templates, takes pictures, asks axe-core.
