# One's own page, signing in to it, and changing a password that one knows.

## Your account

account-title = Your account
account-intro = Signed in as { $name }.
account-sessions = Where you are signed in
account-session-since = Signed in since { $when }
account-session-here = This browser
account-session-end = Sign out there
account-from = from { $from }
account-sign-out = Sign out
device = { $browser } on { $system }
device-unknown = A device that we do not know

## Problems

problem-signed-out-title = Please sign in again
problem-signed-out-text = You are not signed in any more: you signed out, or an hour or 15 minutes without a click have passed. Nothing was changed. Please sign in again.
