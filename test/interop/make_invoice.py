"""Prints one signed BOLT 11 invoice made by the `bolt11` package that Nutshell itself stands on.

Usage: python make_invoice.py '{"currency": "bc", "amount_msat": 21000, "preimage": "<64 hex>",
                                "date": 1700000000, "expiry_s": 3600}'
"""

import hashlib
import json
import secrets
import sys

from bolt11 import Bolt11, MilliSatoshi, TagChar, Tags, encode

asked = json.loads(sys.argv[1])
preimage = bytes.fromhex(asked["preimage"])

tags = Tags()
tags.add(TagChar.payment_hash, hashlib.sha256(preimage).hexdigest())
tags.add(TagChar.payment_secret, secrets.token_hex(32))
tags.add(TagChar.description, "interoperability test")
tags.add(TagChar.expire_time, asked["expiry_s"])

invoice = Bolt11(
    currency=asked["currency"],
    amount_msat=MilliSatoshi(asked["amount_msat"]) if asked["amount_msat"] else None,
    date=asked["date"],
    tags=tags,
)
print(encode(invoice, secrets.token_hex(32)))
