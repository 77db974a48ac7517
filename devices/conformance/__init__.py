"""What a vendor's device must show before it goes to people's homes, judged on what it sends."""
