//! A pure planner for just-in-time provisioning: who gets what, and why.
