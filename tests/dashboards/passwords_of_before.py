"""A hash as it was kept before argon2, made by that version from "correct horse"."""

OLD = (
    "scrypt$16384$5$99871b215a888a7c343bbbce512e984d$0f3841102f0a"
    "88fdf96f866bcddf856e972229e6bcaedd9a840ff57d774973b6"
)
