#!/bin/sh
# Harmless: it stands for what nobody vouches for.
echo "tidied"
