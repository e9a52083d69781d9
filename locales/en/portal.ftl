# The pages a person sees who resets a password. Plain words, no blame, no jargon.

## Every page

layout-skip = Skip to content
layout-help = Need help? { $contact }
layout-support = Support code:
layout-language = Language
language-en = English
language-de = Deutsch
stage = Step { $at } of { $of }
help-contact = Your help desk: { $contact }
help-nobody = Please ask the help desk of your organisation.

## Who are you?

identify-title = Reset your password
identify-intro = First tell us who you are, then prove it with a code, then choose a new password. It takes about a minute.
identify-name = Sign-in name or e-mail address
identify-name-hint = The name you use to sign in at { $tenant }.
identify-continue = Continue
identify-error-empty = Please enter your sign-in name or e-mail address.
identify-error-name = This does not look like a sign-in name or an e-mail address. Please check it.

## Before anything is done for you

work-working = One moment, we are checking your browser. It goes on by itself.
work-script-title = This page needs JavaScript
work-script-text = With it your browser shows that it is not a program that tries names, and later it seals your new password. Please switch it on for this page and load it again, or ask the help desk.
work-error-missing = We could not check your browser in time. Please press the button once more. If it stays like this, JavaScript may be switched off: this page needs it.
work-error-wrong = The check of your browser did not work out. Please press the button once more.
work-error-over = This page stood open for a while, or was sent twice. Please press the button once more.
work-wait = Very many requests came from your network. You can go on in { $time }.
work-wait-some = Very many requests came from your network. You can go on in about { $minutes } min.

## It cannot work just now

unavailable-title = This is not possible at the moment
unavailable-no-agent = We cannot reach the systems of { $tenant } right now, so a new password could not be set. We tell you before you take any trouble.
unavailable-writeback-off = Passwords of { $tenant } cannot be set from here at the moment.
unavailable-self-service-off = { $tenant } has not switched on password reset for this page.
unavailable-unchanged = Nothing was changed. Your current password stays as it is.
unavailable-retry = Try again

## Which way to prove it

method-title = Where shall we send your code?
method-intro = With a code we make sure that it is you.
method-gate = This is proof { $gate } of { $gates }.
method-passkey-alone = Your passkey is enough by itself.
method-email = E-mail
method-private-email = Private e-mail
method-sms = Text message
method-continue = Send code
method-title-any = How would you like to prove that it is you?
method-intro-any = Choose what you have at hand. If a way was never set up for this account, it will not work.
method-totp = Authenticator app
method-totp-text = Type the code that your app shows.
method-passkey = Passkey
method-passkey-text = With your fingerprint, your face, your device’s PIN or a security key.
method-recovery-code = Recovery code
method-recovery-code-text = One of the ten that you printed or saved.
method-help-desk = Code from the help desk
method-help-desk-text = You call, they make sure that it is you, and read you a code.
method-continue-any = Continue
method-none = I can’t use any of these
method-none-text = That is all right: the help desk can check that it is you and help you from there.
method-error-choose = Please choose where we shall send your code.
method-error-choose-any = Please choose how you would like to prove that it is you.
method-error-gone = This way is not available any more. Please choose again.

## The code

code-title = Enter your code
code-sent-email = If the account exists, we have sent an e-mail with a code to { $masked }.
code-sent-sms = If the account exists, we have sent a text message with a code to { $masked }.
code-label = Code with 6 digits
code-hint = The code works for 10 minutes. Spaces and dashes do not matter.
code-continue = Continue
code-resend = Send a new code
code-resend-in = New code in { $time }
code-other = Use another way
code-missing = Didn’t get it?
code-missing-email = It can take a minute. Please look into your spam folder as well. If you asked for several codes, only the newest one works.
code-missing-sms = It can take a minute. Please check that your phone has reception. If you asked for several codes, only the newest one works.
code-missing-name = If nothing arrives, the name may be spelled differently or the address may be out of date.
code-notice-resent = A new code is on its way. Older codes no longer work.
code-error-empty = Please enter the code.
code-error-shape = The code has 6 digits. Please check what you entered.
code-error-wrong = This code does not fit. Please check it and try again.
code-error-wrong-last = This code does not fit.
code-error-expired = This code is too old. Please have a new one sent.
code-error-early = A code was sent just now. Please wait a moment before you ask for another.
code-error-limit = No more codes can be sent at the moment. Please try again later.
code-error-used-up = No more codes can be sent this way today: your organisation has used up its share. Please use another way, or ask the help desk.
code-title-recovery = Enter a recovery code
code-title-help-desk = Get a code from your help desk
code-from-app = Open your authenticator app and type the code that it shows for { $tenant }.
code-from-paper = Take one of the ten codes that you printed or saved. Each works once.
code-from-help-desk = Call your help desk and read this number to them. They will make sure that it is you, and then tell you a code.
code-number = Your number
code-number-over = Your number no longer works. Get a new one, then read it to your help desk. They will make sure that it is you, and then tell you a code.
code-new-number = Get a new number
code-label-recovery = Recovery code with 20 characters
code-label-help-desk = Code with 8 digits
code-hint-help-desk = The code works for 10 minutes after they have made it. Spaces and dashes do not matter.
code-hint-app = The code changes every 30 seconds, and each works once. Spaces do not matter.
code-hint-recovery = Capital letters, spaces and dashes do not matter.
code-trouble = It doesn’t work?
code-trouble-app = If the code is not taken, wait for the next one. Also check that the clock of your phone is set automatically: the code depends on the time.
code-trouble-recovery = Codes of an older list no longer work once you have made a new one.
code-trouble-help-desk = The code works only on this page, for 10 minutes after the help desk has made it. The number stays the same while this page is open.
code-trouble-name = If this way was never set up for your account, or the name is spelled differently, it cannot work. Please use another way then.
code-error-shape-recovery = A recovery code has 20 letters and digits. Please check what you entered.
code-error-shape-help-desk = The help desk’s code has 8 digits. Please check what you entered.
code-error-used-app = This code was used already. Please wait until your app shows the next one.
code-error-used-recovery = This code was used already. Please take another one from your list.
code-error-expired-help-desk = This code is too old. Please ask the help desk for a new one.
code-wait = There were several tries. You can go on in { $time }.
code-wait-some = There were several tries. Please wait a moment before you go on.
code-wait-over = You can go on now.

## One's own page: how one proves who one is

methods-title = How you prove who you are
methods-intro = With these you can choose a new password when you have forgotten yours. Set up at least two, so that you can still help yourself when one is lost.
methods-none = You have not set up anything yet. A passkey is the safest, and takes half a minute.
methods-own = What you have set up
methods-codes = Recovery codes
methods-left = { $left } left
methods-few-title = { $left ->
    [0] No recovery code is left
    [one] One recovery code is left
   *[other] { $left } recovery codes are left
}
methods-few-text = Each works once. Make new ones on your account page, so that you can still help yourself on the day on which you have nothing else.
methods-few-go = Make new recovery codes
methods-added = Added on { $when }
methods-used = last used on { $when }
methods-unused = not used yet
methods-silent = Your organisation sends no text messages to this country: no codes go there, and nothing is told you there.
methods-usable = Works from { $when }
methods-edit = Rename
methods-label = What you call it
methods-rename = Save the name
methods-remove = Remove
methods-remove-now = Yes, remove it
methods-lose-passkey = You can no longer sign in or prove anything with this passkey. Please delete it on your device as well.
methods-lose-app = The codes that this app shows for your account are no longer taken. Please delete the entry in the app as well.
methods-lose-codes = None of these codes works any more, wherever you keep them.
methods-lose-nothing = At the moment it proves nothing, so you lose nothing by that.
methods-lose-all = What remains is too little to choose a new password by yourself when you have forgotten yours. Better add something else first.
methods-lose-own = It is the only thing you have set up: without it only what your organisation knows of you remains, such as codes to your e-mail address or number.
methods-lose-one = You can still prove who you are with what else you have set up.
methods-wanted-passkey = Before that, please prove that it is you with your passkey: sign in with it once more. This keeps out whoever reads your mail and knows your password. If you have lost it, sign in with a recovery code, or add something new first and come back once that works.
methods-wanted-app = Before that, please prove that it is you with your authenticator app: sign in with it once more. This keeps out whoever reads your mail and knows your password. If you have lost it, sign in with a recovery code, or add something new first and come back once that works.
methods-wanted-codes = Before that, please prove that it is you with one of your recovery codes: sign in with it once more. This keeps out whoever reads your mail and knows your password. If you have lost them, add something new first and come back once that works.
methods-wanted-go = Sign in once more
methods-stopped = Stopped: it may have been copied
methods-stopped-text = This passkey was used in a way that points to a second copy of it, so it no longer proves anything. Remove it and add a new one on a device that only you use. If you do not know how there can be a copy, tell your help desk.
methods-not-taken = Your organisation does not take this at the moment.
methods-full = One person can have up to 10 passkeys and 3 authenticator apps. Remove one that you no longer need before you add another.
methods-one-secret = You signed in with a code to your work mailbox and the password that opens it. Whoever knows that password has both, so nothing can be added on it. Sign in once more with something else: a code by text message or to your private mailbox, an app, a passkey, a recovery code or a code from the help desk.
methods-add-none = Your organisation takes nothing that you could set up here.
methods-add = Add something
methods-add-passkey = Add a passkey
methods-add-app = Add an authenticator app
methods-add-codes = Make recovery codes
methods-renew-codes = Make new recovery codes
methods-told = Whenever something is added or removed, we tell you at all your addresses.
methods-told-later = Something new works only after a while: should it not have been you who added it, there is time to say so.
methods-contacts = Where we can reach you
methods-contact-edit = Change
methods-contacts-text = Codes and messages about your account go there. If something in the records of your organisation is wrong, tell your help desk.
methods-back = Back to your account
methods-cancel = Cancel
methods-error-label = A name has 1 to 60 characters.

app-title = Add an authenticator app
app-intro = Open your authenticator app, add an account, and take a picture of this code.
app-picture = Code for your authenticator app. The same as text is below.
app-key = I can’t take a picture
app-key-text = Type this key into your app. Kind: by time, 6 digits, 30 seconds.
app-code = The code that the app shows now
app-code-hint = So we know that it arrived. It has 6 digits and changes every 30 seconds.
app-submit = Add the app
app-error-wrong = This code does not fit. Wait for the next one, and check that the clock of your phone is set automatically.

passkey-new-title = Add a passkey
passkey-new-intro = Your device makes a key and keeps it. Later you use it with your fingerprint, your face or your device’s PIN; none of that is sent to us.
passkey-new-make = Make a passkey

codes-title = Make recovery codes
codes-intro = You get ten codes to print or to save. Each works once, when nothing else is at hand. Keep them where nobody else looks, and not on the phone that you may lose.
codes-replaces = You have { $left } codes left. They stop working once you make new ones.
codes-make = Make ten codes
codes-made-title = Your recovery codes
codes-usable = They work from { $when }
codes-made-intro = Print or save them now. This page is the only time that they are shown.
codes-of = Recovery codes of { $name } at { $tenant }. Each works once.
codes-file = recovery-codes.txt
codes-print = Print
codes-save = Save as a file
codes-done = I have kept them

## A passkey

passkey-title = Use your passkey
passkey-intro = Your device asks for your fingerprint, your face or a PIN, or for your security key. None of that is sent to us.
passkey-use = Use passkey
passkey-trouble = A passkey works on the device where it was made, on devices that share it, or with the phone or security key that holds it. If this device does not offer it, use another way.
passkey-cancelled = It was cancelled, or there is no passkey for this page here. Please try again or use another way.
passkey-unsupported = This browser cannot use passkeys. Please use another browser or another way.
passkey-registered = This device has a passkey for your account already.
passkey-insecure = The browser does not allow passkeys on this page. Please use another way.
passkey-network = The connection was interrupted. Please try again.
passkey-failed = That did not work. Please try again or use another way.
passkey-error-script = Passkeys need JavaScript, which is switched off or blocked here. Please switch it on, or use another way.
passkey-error-wrong = This passkey does not fit this account. Please try another passkey or another way.
passkey-error-nobody = Nobody can be signed in here with this passkey. Please try another passkey, or begin with your name.
passkey-error-over = That took too long, or was sent twice. Please try again.
passkey-error-limit = There were several tries. Please wait a moment before you go on.

## What do you need?

need-title = What do you need?
need-intro = Your account is locked. That happens after several tries with a wrong password, often by a phone or a computer that still has an old one.
need-unlock = Unlock my account
need-unlock-text = You know your password, and it stays as it is.
need-password = Choose a new password
need-password-text = You have forgotten it. Your account is unlocked as well.
need-continue = Continue
need-only-title = Your account is locked
need-only-text = You can unlock it here. Your password stays as it is.
need-age = Your password was changed only recently. A new one is possible from { $when }.
need-no-password = A new password cannot be set for your account from here.
need-error-choose = Please choose what you need.

## The new password

password-title = Choose a new password
password-account = Your account
password-label = New password
password-show = Show
password-hide = Hide
password-generate = Suggest a password
password-generated = A password is filled in. Save it or write it down before you go on.
password-rules = What it needs
password-rule-length = { $n ->
    [one] At least one character
   *[other] At least { $n } characters
}
password-rule-kinds = Three of these: small letters, capital letters, digits, symbols, letters without case
password-rule-words = Not your sign-in name, and no part of your name
password-rule-history = { $n ->
    [one] Not your last password
   *[other] Not one of your last { $n } passwords
}
password-rule-age = { $days ->
    [one] After that, a further change is possible one day later
   *[other] After that, a further change is possible { $days } days later
}
password-rule-unknown = The longer, the better: four or five words that have nothing to do with each other are good.
password-rules-met = %met% of %all% fulfilled
password-met = fulfilled
password-open = still missing
password-submit = Set new password
password-sealed = Your password is sealed in this browser. Only the systems of { $tenant } can open it: not this website, and not the people who run it.
password-asking = Preparing …
password-sealing = Sealing your password …
password-sending = Sending the sealed password …
password-sent = Sent. One moment …
password-allowed-at = A new password is possible from { $when }.
password-for = This password is for { $places } alone. Your other passwords stay as they are.
password-also = It is set in { $places } as well.
password-leave = Leave it as it is
password-script-title = This page needs JavaScript
password-script-text = Your password is sealed in your browser before it is sent, so that nobody on the way can read it. That takes JavaScript, which is switched off, blocked or too old here. Please switch it on, or open this page in another browser.
password-error-empty = Please enter a new password.
password-error-long = This password is too long. At most 256 characters are possible.
password-error-characters = This password has characters that cannot be used in a password. Please try another one.
password-error-rules = Something is still missing: please see the list below.
password-error-recipients = We could not make sure that only your organisation can open your password. So nothing was sent and nothing was changed. Please try again; if it stays like this, tell your help desk.
password-error-network = The connection was interrupted. Please try again.
password-begin-again = Start again
password-error-slow = The server takes too long to answer. Please try again.

## Watching it happen

status-title = Your new password is being set
status-intro = This usually takes a second or two. You can simply keep this page open.
status-sealed-waiting = Seal your password
status-sealed-now = Sealing your password …
status-sealed-done = Sealed in your browser
status-picked-waiting = Picked up by your organisation
status-picked-now = Waiting for your organisation to pick it up …
status-picked-done = Picked up by your organisation
status-set-waiting = Set by your domain controller
status-set-now = Being set by your domain controller …
status-set-done = Set by your domain controller
status-done-waiting = Done
status-done-now = Almost done …
status-done-follow = Your other directories follow …
status-done-done = Done
status-lost = The connection was interrupted. We keep asking.
status-ending = There is a result. One moment …
status-slow = It takes longer than usual today. You need not do anything: within two minutes you will know how it ended.

status-places = In your directories
place-waits = comes next
place-now = being set …
place-set = The new password is set.
place-not = Not set: the old password still holds there.
place-missed = It could not be reached in time
place-unknown = We do not know yet whether it is set. Try the new password there first, then the old one.
place-newer = A newer try has taken its place.
place-untried = It was not tried
place-unserved = This account is not served here
place-again = Choose a password for it
done-places = Where it is set
unlocking-title = Your account is being unlocked
unlocking-intro = This usually takes a second or two. You can simply keep this page open.
unlocking-sealed-done = Asked for
unlocking-set-waiting = Unlocked by your domain controller
unlocking-set-now = Being unlocked by your domain controller …
unlocking-set-done = Unlocked by your domain controller

## Done

done-title = Your password is changed
done-intro = Use your new password from now on. For your safety we have not signed you in anywhere.
done-devices = What to do now
done-computer = At your computer
done-computer-text = Sign in with the new password. If you are signed in already, lock the screen and unlock it with the new password.
done-away = Away from the office
done-away-text = Your laptop may still want the old password until it has been connected. Sign in with the old one, start the VPN with the new one, then lock and unlock the screen.
done-phone = Mail on your phone
done-phone-text = Enter the new password when the mail app asks for it. If it does not ask, change it in the account settings, so that old tries do not lock you out.
done-wifi = Wi-Fi and VPN
done-wifi-text = If the network no longer connects, forget it once and join it again with the new password.
done-notice = We have sent a notice to every address on file. If it was not you who changed the password, tell your help desk at once.
done-finish = Finish
unlocked-title = Your account is unlocked
unlocked-intro = Your password has not changed: sign in with the one you have.
unlocked-again = So that it stays unlocked
unlocked-device = Old passwords
unlocked-device-text = A phone, a tablet or a second computer may still try an old password and lock your account again. Enter the right one there.
unlocked-wifi = Wi-Fi and VPN
unlocked-wifi-text = Networks remember passwords as well. If one of them still has an old one, forget it once and join it again.
unlocked-notice = We have sent a notice to every address on file. If it was not you who unlocked the account, tell your help desk at once.
unlocked-forgotten = I don’t know my password after all

## Other endings

ended-retry = Start again
ended-policy-age-title = A new password is not possible yet
ended-policy-age-text = Your password was changed only recently, and your organisation asks for some time between two changes. Nothing was changed. If you have forgotten your password, the help desk can set a new one for you.
ended-unlock-interrupted-title = We do not know yet whether your account is unlocked
ended-unlock-interrupted-text = The connection broke just as it was being unlocked. Please try to sign in. If that does not work, start again here. Your password has not changed.
ended-unlock-expired-title = That took too long
ended-unlock-expired-text = Your organisation did not answer in time. Nothing was changed: your password stays as it is. Please try again in a few minutes.
ended-unlock-refused-title = Your account could not be unlocked from here
ended-unlock-refused-text = The systems of your organisation did not allow it. Your password stays as it is. The help desk can unlock your account.
ended-unlock-failed-title = Your account could not be unlocked just now
ended-unlock-failed-text = The systems of your organisation reported a problem. Your password stays as it is. Please try again in a few minutes; if it stays like this, tell the help desk.
ended-check-expired-title = That took too long
ended-check-expired-text = Your organisation did not check the password in time. You are not signed in, and nothing was changed. Please try again in a few minutes.
ended-check-interrupted-title = We could not find out whether the password is right
ended-check-interrupted-text = The connection broke while it was being checked. You are not signed in, and nothing was changed. Please try again in a few minutes.

outcome-applied-title = Your password is changed
outcome-applied-text = Use your new password from now on.
outcome-not-read-back-title = It is very likely done
outcome-not-read-back-text = Your domain controller said yes, but did not answer when it was asked once more. Please try to sign in; if you chose a new password, use that one. If it does not work, start again here.
outcome-must-change-not-set-title = Your password is changed
outcome-must-change-not-set-text = Use your new password from now on. It should have to be changed at the next sign-in, but that could not be set.
outcome-locked-again-title = Your account is locked again
outcome-locked-again-text = What you asked for is done, but a moment later the account was locked again: some device or program keeps trying an old password. Please remove the old password from your phone, your mail program and saved connections, then unlock the account once more.
outcome-unlocked-title = Your account is unlocked
outcome-unlocked-text = Please sign in with your current password. If you have forgotten it, you can choose a new one here.
outcome-not-locked-title = Your account is not locked
outcome-not-locked-text = So there was nothing to unlock. If you cannot sign in, the password is probably another one: you can choose a new one here.
outcome-change-required-title = The password must be changed at the next sign-in
outcome-change-required-text = The current password is needed once more for that.
outcome-change-waived-title = The password need not be changed
outcome-change-waived-text = It stays as it is.
outcome-verified-title = This is your current password
outcome-verified-text = Nothing was changed.
outcome-must-change-title = You have to choose a new password
outcome-must-change-text = Your current password is right, but your organisation asks for a new one before you go on.
outcome-password-expired-title = Your password has run out
outcome-password-expired-text = It is right, but its time is over. Please choose a new one.
outcome-inspected-title = Your account was looked up
outcome-inspected-text = Nothing was changed.
outcome-policy-length-title = This password is too short
outcome-policy-length-text = Your organisation asks for a longer one. Please add to it: one more word is easy to remember. Your current password stays as it is until then.
outcome-policy-complexity-title = This password is too simple
outcome-policy-complexity-text = Please mix at least three of these: small letters, capital letters, digits, symbols. It must not hold your name either.
outcome-policy-names-title = This password holds your name
outcome-policy-names-text = Your organisation does not allow your user name or a part of your name in it. Please choose one without.
outcome-policy-history-title = You have used this password before
outcome-policy-history-text = Your organisation does not allow recent passwords again. Please choose one that is new.
outcome-policy-age-title = Your password was changed only recently
outcome-policy-age-text = Your organisation asks for some time between two changes. Your current password stays as it is. If you have forgotten it, the help desk can set a new one for you.
outcome-policy-other-title = Your organisation does not accept this password
outcome-policy-other-text = We are not told which rule it breaks. A longer one that is not built from common words, names or dates, and that you have not used before, usually helps.
outcome-password-unusable-title = This password cannot be used
outcome-password-unusable-text = It has characters that the systems of your organisation do not take, or it is too long. Please choose another one.
outcome-wrong-password-title = This is not your current password
outcome-wrong-password-text = Nothing was changed. Each wrong try counts towards the lock of your account, so please stop when you are not sure. You can choose a new password without knowing the old one.
outcome-change-not-allowed-title = You may not change this password yourself
outcome-change-not-allowed-text = Your organisation has set this account so. Nothing was changed. Please ask the help desk.
outcome-account-locked-title = Your account is locked
outcome-account-locked-text = Too many wrong passwords were tried. Nothing was changed. It opens by itself after a while, or you can unlock it here.
outcome-locked-for-good-title = Your account was locked by an administrator
outcome-locked-for-good-text = It cannot be unlocked from here. Nothing was changed. Please ask the help desk.
outcome-account-disabled-title = This account is switched off
outcome-account-disabled-text = So its password cannot be set here. Nothing was changed. The help desk can tell you more.
outcome-account-expired-title = This account has ended
outcome-account-expired-text = Its time in the directory of your organisation is over, so nobody can sign in with it. Nothing was changed. The help desk can tell you more.
outcome-account-protected-title = This account is specially protected
outcome-account-protected-text = Its password cannot be set from here. Nothing was changed. Please ask the administrators of your organisation.
outcome-out-of-scope-title = This account is not served here
outcome-out-of-scope-text = Your organisation has not opened this service to the account. Nothing was changed. Please ask the help desk.
outcome-gone-title = This account was not found any more
outcome-gone-text = It may have been moved or removed a moment ago. Nothing was changed. Please ask the help desk.
outcome-no-right-title = Your organisation has to change a setting
outcome-no-right-text = The service is not allowed to set the password of this account. Nothing was changed. Please tell the help desk the support code below.
outcome-no-unlock-right-title = Your organisation has to change a setting
outcome-no-unlock-right-text = The service is not allowed to unlock this account. Nothing was changed. Please tell the help desk the support code below.
outcome-no-flag-right-title = Your organisation has to change a setting
outcome-no-flag-right-text = The service is not allowed to say of this account whether its password must be changed. Nothing was changed. Please tell the help desk the support code below.
outcome-control-missing-title = Your organisation has to change a setting
outcome-control-missing-text = Your domain controller cannot check all password rules in the way your organisation asks for. Nothing was changed. Please tell the help desk the support code below.
outcome-not-supported-title = This is not possible here
outcome-not-supported-text = The systems of your organisation cannot do this. Nothing was changed. Please ask the help desk.
outcome-cannot-open-title = Your password did not arrive intact
outcome-cannot-open-text = The sealed password could not be opened, so it was thrown away. Nothing was changed. Please start again.
outcome-unknown-kind-title = Your organisation has to update its software
outcome-unknown-kind-text = The systems of your organisation do not know this kind of request yet. Nothing was changed. Please tell the help desk the support code below.
outcome-expired-title = That took too long
outcome-expired-text = Your organisation did not pick up the sealed password in time, so it was thrown away. Nothing was changed. Please try again in a few minutes.
outcome-stale-title = A newer try has taken over
outcome-stale-text = You started once more, perhaps in another window, and only the newest try counts. From here nothing was changed.
outcome-interrupted-title = We do not know yet how it ended
outcome-interrupted-text = The connection broke just as your account was being changed. Please try to sign in first: with the new password, if you chose one. If that does not work, use the one from before or start again here.
outcome-limit-reached-title = Too many changes for now
outcome-limit-reached-text = Your organisation allows only so many changes in an hour. Nothing was changed. Please try again later or ask the help desk.
outcome-switched-off-title = Your organisation has paused this service
outcome-switched-off-text = No passwords are set from here at the moment. Nothing was changed. Please ask the help desk.
outcome-directory-unreachable-title = Your domain controller cannot be reached
outcome-directory-unreachable-text = Nothing was changed. Please try again in a few minutes; if it stays like this, tell the help desk.
outcome-directory-error-title = Your domain controller reported a problem
outcome-directory-error-text = Your password was not changed. Please tell the help desk the support code below.
outcome-changed-meanwhile-title = Your password was changed by somebody else
outcome-changed-meanwhile-text = After you started, your password was changed in another place, perhaps by your help desk. We have not touched it. If you know that new password, use it; otherwise you can try again right away.
outcome-audit-unwritable-title = Your organisation has to repair something
outcome-audit-unwritable-text = The systems of your organisation cannot keep their record of changes, so they change nothing. Your password stays as it is. Please tell the help desk.
outcome-agent-fault-title = Something went wrong in your organisation
outcome-agent-fault-text = The systems of your organisation met a fault. Nothing was changed. Please try again; if it stays like this, tell the help desk.

## Problems: `problem-<code>`, for pages that cannot be shown and for answers to the sealing script

error-home = To the start page
problem-bad-input-title = We could not read that
problem-bad-input-text = Something was missing or was not in the form we expected. Please go back and try again.
problem-cross-site-title = This is not possible from here
problem-cross-site-text = The request did not come from our own page, so we have not followed it. Please start again on this page.
problem-not-found-title = There is nothing here
problem-not-found-text = The address may be mistyped or out of date.
problem-method-not-allowed-title = This is not possible in this way
problem-method-not-allowed-text = Please use the buttons on our pages.
problem-too-large-title = That was too much at once
problem-too-large-text = What was sent is larger than anything this page needs. Please go back and try again.
problem-too-slow-title = That took too long
problem-too-slow-text = The connection was too slow or was interrupted. Nothing was changed. Please try again.
problem-unsupported-media-type-title = We could not read that
problem-unsupported-media-type-text = What was sent is in a form that we do not know. Please go back and try again.
problem-too-many-title = Too many tries at once
problem-too-many-text = Please wait a few minutes and try again. This keeps strangers from trying out codes.
problem-internal-title = Something went wrong on our side
problem-internal-text = It is not your fault. We have noted it. Please try again; if it stays like this, tell the help desk the support code below.
problem-try-again-title = We will be back in a moment
problem-try-again-text = The service is starting up or very busy. Please try again in a minute.
problem-no-cookie-title = This page needs a cookie
problem-no-cookie-text = One cookie keeps your steps together until you are done, and nothing else. Please allow cookies for this site and start again.
problem-flow-ended-title = Please start again
problem-flow-ended-text = Too much time has passed since the last step, you were signed out in the meantime, or you have finished already. Nothing was changed.
problem-not-verified-title = Please prove once more that it is you
problem-not-verified-text = Your proof is no longer valid. Nothing was changed. Please start again.
problem-not-served-title = This account is not served here
problem-not-served-text = Its password cannot be set from here at the moment. Nothing was changed. Please ask your help desk.
problem-password-changed-title = The password was changed meanwhile
problem-password-changed-text = You are not signed in: the password that you showed is not the current one any more. Please sign in once more, with the new one. If you did not change it, please call your help desk at once.
problem-no-agent-title = Your organisation cannot be reached
problem-no-agent-text = The systems of your organisation cannot be reached right now. Nothing was changed. Please try again in a few minutes.
problem-not-now-title = This step is over
problem-not-now-text = You are at another step by now, perhaps in another window. Nothing was changed. Please reload the page.
problem-method-not-taken-title = This is not taken here
problem-method-not-taken-text = Your organisation does not take this way of proving who you are at the moment. Nothing was changed. Please go back and choose another one.
problem-method-full-title = There is no room for another one
problem-method-full-text = You have as many of these as one person can have. Nothing was changed. Please remove one that you no longer need, then try again.
problem-one-secret-title = Please prove it by something else first
problem-one-secret-text = You signed in with a code to your work mailbox and the password that opens it, which is one secret and not two. Nothing was added. Please sign in once more with something else: a code by text message or to your private mailbox, an app, a passkey, a recovery code or a code from the help desk.
problem-proof-wanted-title = Please prove it by something stronger first
problem-proof-wanted-text = What you have set up is removed or replaced only by whoever proves the strongest of it. Nothing was changed. Please sign in once more with your passkey, your app or a recovery code.
problem-no-ticket-title = Please try again
problem-no-ticket-text = This try is not the one we were waiting for, perhaps because of another window. Nothing was changed. Please press the button once more.
problem-ticket-expired-title = That took too long
problem-ticket-expired-text = That took a little too long. Nothing was changed. Please press the button once more.
problem-bad-envelope-title = Your password did not arrive intact
problem-bad-envelope-text = The sealed password is not as it must be, so it was thrown away. Nothing was changed. Please try again.
problem-busy-title = One moment please
problem-busy-text = A new password is being set for you right now. Please wait until that has ended.
problem-superseded-title = A newer try is under way
problem-superseded-text = A newer try is under way, perhaps in another window. From here nothing was changed.
ended-again = Try again
date-time = { $day } { $month ->
    [m1] January
    [m2] February
    [m3] March
    [m4] April
    [m5] May
    [m6] June
    [m7] July
    [m8] August
    [m9] September
    [m10] October
    [m11] November
    *[m12] December
  } { $year }, { $hour }:{ $minute } UTC
problem-writeback-off-title = Passwords cannot be set at the moment
problem-writeback-off-text = Your organisation has switched off setting passwords from here. Nothing was changed. Please ask your help desk.

## Problems that only agents meet; whoever runs one reads them in its log

problem-bad-enrolment-token-title = The enrolment token is not valid
problem-bad-enrolment-token-text = It was mistyped, used already, or is older than 15 minutes. Have a new one made.
problem-known-key-title = This agent is enrolled already
problem-known-key-text = Its identity key is known here. Use the enrolled agent, or remove its state and enrol anew.
problem-bad-proof-title = The request does not prove who sent it
problem-bad-proof-text = The proof of possession is missing, malformed, or for another request.
problem-replayed-proof-title = This request came twice
problem-replayed-proof-text = Its proof of possession was seen before. Each request needs a new one.
problem-clock-skew-title = The clocks do not agree
problem-clock-skew-text = The proof’s time is more than a minute away from ours. Set the clock.
problem-bad-token-title = The access token is not valid
problem-bad-token-text = It is expired, malformed, or bound to another key. The agent asks for a new one by itself.
problem-bad-assertion-title = The agent could not be recognised
problem-bad-assertion-text = Its assertion is not signed by a key that is known here, or is for somebody else.
problem-agent-pending-title = This agent waits for its confirmation
problem-agent-pending-text = An administrator has to compare its fingerprint and confirm it.
problem-agent-revoked-title = This agent is revoked
problem-agent-revoked-text = It may do nothing any more. If that was a mistake, enrol it anew.
problem-bad-key-title = This sealing key is not acceptable
problem-bad-key-text = Its statement is not signed by this agent, is for another connector, or lives too long.
problem-bad-identity-title = This identity key is not acceptable
problem-bad-identity-text = It did not sign that it takes the place of this agent’s old one.
problem-bad-result-title = This result is not acceptable
problem-bad-result-text = It is not signed by the agent that holds the job.
problem-unknown-pass-title = This pass of the mirror is not known
problem-unknown-pass-text = Begin it anew.
problem-contradicts-title = This contradicts what was told before
problem-contradicts-text = The job has ended already with another result, or another agent holds it now.
problem-unknown-job-title = This job is not known
problem-unknown-job-text = There is no job of this number here.

## "This wasn't me"

not-me-title = This wasn’t me
not-me-intro = We told you that something happened to your account, and it was not you? Then stop it here.
not-me-stops = Nothing can be reset any more
not-me-stops-text = From now on nobody can reset your password here, change it or unlock your account, not even you. Whoever is at it at this moment gets no further, and every browser that is signed in to your account’s page is signed out.
not-me-tells = Your help desk is told
not-me-tells-text = They will look at what happened. Only they can allow it again.
not-me-tell = Call your help desk as well
not-me-tell-text = They do not hear of it by themselves. Only they can allow it again.
not-me-code = Code from the message
not-me-code-hint = 26 letters and digits; they stand below the link.
not-me-stop = Stop it: this wasn’t me
not-me-else = It was you after all? Then just close this page: nothing has happened.
not-me-error-empty = Please type the code that stands in the message.
not-me-error-shape = This is not a whole code. It has 26 letters and digits; spaces and dashes don’t matter.
not-me-error-unknown = We do not know this code, or it is older than 30 days. Please take it from the newest message, or call your help desk.
not-me-error-limit = Too many codes were tried from your network. Please wait some minutes, or call your help desk.
not-me-known-title = Your help desk has looked at this
not-me-known-text = You told us this already, or it is older than the day on which your help desk looked and allowed resets again. So nothing was stopped. Is it about something new? Then use the newer message, or call your help desk.
stopped-title = Nothing can be reset any more
stopped-intro = Thank you for telling us. Until your help desk has looked, nobody can reset, unlock or change anything for this account here.
stopped-now = What you should do now
stopped-call = Call your help desk
stopped-change = Can you still sign in? Then change your password
stopped-change-text = At your computer at work, not here. If your password does not work any more, your help desk sets a new one for you.
stopped-mailbox = Look after your mailbox
stopped-mailbox-text = Whoever it was may have read your mail. Change its password if it is another one, and look for rules that forward your mail.
stopped-late = A change that your organisation’s systems had in hand at this moment already could not be called back. Then a message about it is on its way to you.
problem-frozen-title = Nothing can be done here for your account
problem-frozen-text = It is frozen for its protection: somebody said that something was not them, or your help desk wants to look first. Nothing was changed. Please call your help desk, only they can allow it again.
methods-due = Please look: is everything here still right? Remove what you no longer have, and add what is new.
methods-confirm = Everything is right
activity-help-desk = The help desk took a caller for you and gave them a code

## When the time runs out

ends-more = In less than two minutes this page stops, for your protection. Do you need more time?
ends-last = In less than two minutes this page stops, for your protection. That cannot be put off again; if it is not enough, simply start once more.
ends-longer = All right, you have more time now.
ends-over = The time is over. What you have not finished was not changed; please start once more.
ends-stay = I need more time
ends-failed = That did not reach us. Please try again.
