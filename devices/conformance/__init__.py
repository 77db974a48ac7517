"""The checklist for a vendor's device, judged by the messages it sends."""
