"""What pages are built of: small elements, with the JavaScript that some of them need."""
