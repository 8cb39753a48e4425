//! Everything that needs a whole house, or looks at the house itself. One binary, a module per capability.

mod house;
