#!/bin/sh
# Finds Chromium, or installs it: with apt when root, else with playwright. Fails when there is none in the end.
set -eu
for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null 2>&1 && exit 0
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-dejavu-core fonts-noto-cjk && exit 0
fi
.venv/bin/python -m playwright install chromium
