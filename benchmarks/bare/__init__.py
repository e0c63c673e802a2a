"""The yardstick of one call: a Django view without anything around it, in the portal's own server."""
