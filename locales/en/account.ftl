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
account-password = Password
account-password-text = You need your current password for this. It is checked by your organisation.
account-password-change = Change my password
account-methods = How you prove that it is you
account-methods-text = If you forget your password one day, you get back in by these. The more of them you have, the less can go wrong.
account-added-title = Added in the last two weeks
account-added-text = Is something there that you did not add? Then remove it: it stays when your password changes, and whoever knew the old one may have added it.
account-methods-open = See and change
account-activity = What happened lately
account-activity-text = Of the last 90 days. If something here was not you, please tell the help desk at once.
account-activity-none = Nothing yet. Whenever a password is set or somebody proves to be you, it stands here.
account-sessions-end = Sign out everywhere else
account-sessions-alone = You are signed in nowhere else.
account-language = Language
account-language-text = For these pages and for all that we write to you.
account-language-keep = Use this language
activity-times = { $what }, { $count } times
activity-times-more = { $what }, { $count } times or more
activity-begun = A password reset was begun
activity-begun-change = A change of the password was begun
activity-begun-sign-in = A sign-in to this page was begun
activity-code-right = The right code was entered
activity-code-wrong = A wrong code was entered
activity-passkey-right = A passkey proved that it was you
activity-passkey-wrong = A passkey was tried that does not fit
activity-code-limit = Too many codes were tried; further ones were not looked at
activity-password-limit = Too many wrong passwords were tried; further ones were not looked at
activity-password-set = Your password was changed
activity-password-not-set = A new password was refused
activity-password-wrong = The current password was entered wrongly, or could not be used
activity-unlocked = Your account was unlocked
activity-signed-in = Somebody signed in to this page
activity-signed-out = Somebody signed out of this page
activity-ended = A browser was signed out from another one
activity-ended-all = Browsers were signed out
activity-language = The language was chosen
activity-method-added = A way to prove that it is you was added
activity-method-removed = A way to prove that it is you was removed
activity-app-added = An authenticator app was added
activity-passkey-added = A passkey was added
activity-codes-added = Recovery codes were made
activity-app-removed = An authenticator app was removed
activity-passkey-removed = A passkey was removed
activity-codes-removed = Recovery codes were removed
activity-method-stopped = A passkey was stopped: it may have been copied
activity-contact-code = A code was sent to an address that was to be added
activity-contact-added = An address or a number of your own was added
activity-contact-changed = An address or a number was replaced by one of your own
activity-contact-removed = An address or a number of your own was removed
activity-contact-imported = Your organisation entered another address or number
activity-confirmed = Your methods were confirmed as right
activity-frozen = Resets were stopped for this account
activity-lifted = Resets were allowed again for this account

## Where else to go

identify-forgot = I forgot my password
identify-known = I know my password and want to change it
identify-account = Manage how I sign in and reset

## Changing a password that one knows

change-title = Change your password
change-intro = First tell us who you are, then prove it with a code, then choose a new password. You need your current password for this; it may have run out.

## Signing in

sign-in-title = Sign in to your account page
sign-in-intro = First tell us who you are, then prove it, for example with a code. Your password comes after that.
sign-in-ended = You are signed out: this browser was quiet for 15 minutes, or you were signed in for an hour, or it was ended from elsewhere. What you have done is kept.
sign-in-again = You are still signed in, but this needs a proof of the last 15 minutes, or another one than you gave. Please sign in once more.
sign-in-passkey-title = Or without a name
sign-in-passkey-text = If you have set up a passkey, it is enough by itself: your device knows whose it is.
sign-in-passkey = Sign in with a passkey
current-title = Enter your password
current-intro = It is checked by your organisation’s own systems. Nothing is changed.
current-label = Current password
current-submit = Sign in
current-forgot = I do not know my password
current-error-empty = Please enter your current password.
current-sealing = Sealing your password …
current-wait = { $minutes ->
    [one] For now there are no more tries. So that your account is not locked, you can go on in one minute.
   *[other] For now there are no more tries. So that your account is not locked, you can go on in { $minutes } minutes.
}
checking-title = Your password is being checked
checking-intro = This usually takes a second or two. You can simply keep this page open.
checking-looked-waiting = Checked by your domain controller
checking-looked-now = Being checked by your domain controller …
checking-looked-done = Checked by your domain controller
enter-title = It is you
enter-continue = Go to your account page
enter-renew = Choose a new password

## Problems

problem-signed-out-title = Please sign in again
problem-signed-out-text = You are not signed in any more: you signed out, or an hour or 15 minutes without a click have passed. Nothing was changed. Please sign in again.
problem-too-many-passwords-title = Please wait a little
problem-too-many-passwords-text = Your current password was tried as often as it may be for now. So that your account is not locked, no more tries are made for up to half an hour, and for longer if it happens again. If you have forgotten it, you can set a new one without it.

## Addresses and numbers of one's own

contact-sms = Mobile number
contact-own = You added it yourself.
contact-theirs = From the records of your organisation.
contact-title-mail = Add a private e-mail address
contact-title-sms = Add a mobile number
contact-replace-mail = Use another address
contact-replace-sms = Use another number
contact-intro-mail = If you forget your password, a code for a new one can go there. We send a code now, so that we know that it is yours.
contact-intro-sms = If you forget your password, a code for a new one can go there by text message. We send a code now, so that we know that it is yours.
contact-replaces = It takes the place of the one that is there now. That one is told of it, too.
contact-label-mail = Private e-mail address
contact-hint-mail = A mailbox that you can open without your password at work.
contact-label-sms = Mobile number
contact-hint-sms = With the country code, for example +44 7700 900123.
contact-send = Send a code
contact-told = We tell you of it at all your addresses. If your organisation has set a waiting time, it works only after that: should it not have been you who added it, there is time to say so.
contact-code-intro = We have sent a code to
contact-add-mail = Add the address
contact-add-sms = Add the number
contact-other-mail = It is another address
contact-other-sms = It is another number
contact-missing = If nothing arrives, please look whether it is spelled right above.
contact-error-shape-mail = This is not an e-mail address that we can write to. Please check it: it has one @ and a domain, for example name@example.org.
contact-error-shape-sms = This is not a number that we can use. Please type it with its country code, for example +44 7700 900123.
contact-error-behind-password = This mailbox opens with the password that you may forget one day, so you could not read the code then. Please use a private one.
contact-error-country = Your organisation sends no text messages to this country. Please use another number, or set up another way, such as a passkey.
contact-error-known-mail = This address is on file for you already.
contact-error-known-sms = This number is on file for you already.
contact-error-not-offered = Your organisation does not use this way for your account. Please set up another one, such as a passkey.
contact-error-limit = No more codes can be sent at the moment. It works again in an hour at the latest.
contact-error-used-up = No more codes can be sent this way today: your organisation has used up its share. Please try again tomorrow, or set up another way, such as a passkey.
contact-error-tries = Too many codes were tried for your account. Please wait ten minutes or a little more, then type the newest code.
