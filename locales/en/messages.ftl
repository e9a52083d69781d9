# What is sent to people: e-mails and text messages. No text message may exceed 160 characters of the GSM alphabet, so no curly quotes.

mail-greeting = Hello { $name },
# The code itself stays out of the subject: mail servers log subjects.
mail-code-subject = Your code for { $tenant }
mail-code-intro = Somebody, hopefully you, wants to prove at { $tenant } that they are you, for a new password or for your account page. This is the code:
mail-code-valid = { $minutes ->
    [one] It works for one minute, once, and only in the browser in which you started.
   *[other] It works for { $minutes } minutes, once, and only in the browser in which you started.
}
mail-code-never = Tell it to nobody. The help desk will never ask you for it.
mail-code-not-you = It was not you? Then you need not do anything: without this code nothing is changed. If such messages come again, tell your help desk.
mail-contact-code-intro = Somebody, hopefully you, wants to add this address to their account at { $tenant }. This is the code for it:
mail-contact-code-not-you = It was not you? Then you need not do anything: without this code the address is not added. Do not give the code to anybody who asks for it.
mail-changed-subject = Your password at { $tenant } was changed
mail-changed-intro = The password of your account at { $tenant } has just been changed.
mail-changed-when = When:
mail-changed-where = From:
mail-changed-place = In:
mail-changed-follow = About to be set as well in:
mail-changed-you = It was you? Then everything is in order. Use your new password from now on, on your phone as well.
mail-unlocked-subject = Your account at { $tenant } was unlocked
mail-unlocked-intro = Your account at { $tenant } was locked and has just been unlocked. The password has not changed.
mail-help = Help desk: { $contact }
mail-signature = { $tenant }
mail-automatic = This message was made automatically. Answers to it are not read.

sms-code = { $code } is your code for { $tenant }. It works for { $minutes } minutes. Tell it to nobody.

    @{ $host } #{ $code }
sms-contact-code = { $code } is the code to add this number to an account at { $tenant }. Tell it to nobody.

    @{ $host } #{ $code }
sms-changed = Your password at { $tenant } was changed.
sms-unlocked = Your account at { $tenant } was unlocked.
mail-changed-unknown = unknown

# In notices: what happened, and how to say that it was not oneself
mail-you = It was you? Then everything is in order.
mail-not-me = It was not you? Open this page and press the button there. From then on nothing can be reset or changed here until your help desk has looked:
mail-not-me-button = This wasn't me
mail-not-me-code = If the link does not work, open { $page } and type this code there:
mail-again-subject = Once more: your password at { $tenant } was changed
mail-again-intro = Yesterday the password of your account at { $tenant } was changed by somebody who could read your mail.
mail-again-you = We tell you twice, because whoever can read your mail could have deleted our first message. It was you? Then everything is in order.
mail-tries-subject = Somebody tried several codes for your account at { $tenant }
mail-tries-intro = Somebody wanted to prove at { $tenant } that they are you and typed several wrong codes. Nothing was changed.
mail-tries-you = It was you? Then wait a little, and try again with the newest code.
mail-method-subject = How you prove who you are at { $tenant } was changed
mail-method-added = For your account at { $tenant } something was added by which you can prove who you are: { $method }.
mail-method-removed = For your account at { $tenant } something was removed by which you could prove who you are: { $method }.
mail-method-changed = For your account at { $tenant } something by which you prove who you are is another one now: { $method }.
mail-method-stopped = For your account at { $tenant } something by which you prove who you are was stopped, because there may be a copy of it: { $method }. It no longer proves anything. Please sign in, remove it and add a new one.
mail-method-email = an e-mail address
mail-method-private-email = a private e-mail address
mail-method-sms = a mobile number
mail-method-totp = an authenticator app
mail-method-passkey = a passkey
mail-method-recovery-code = recovery codes
mail-method-other = another method
mail-contact-subject = Your contact data at { $tenant } were changed
mail-contact-mail = In the directory of { $tenant } another e-mail address stands for you now than before.
mail-contact-mobile = In the directory of { $tenant } another mobile number stands for you now than before.
mail-contact-both = In the directory of { $tenant } another e-mail address and another mobile number stand for you now than before.
mail-contact-you = After a waiting time, codes for a new password go there. Was that what you wanted? Then everything is in order.
mail-frozen-subject = Nothing can be reset for your account at { $tenant } any more
mail-frozen-intro = For your account at { $tenant } nothing can be reset, unlocked or changed here any more.
mail-frozen-then = Either somebody answered one of our messages with "This wasn't me", or your help desk wants to look first. Please call your help desk: only they can allow it again.
mail-lifted-subject = Your account at { $tenant } is served again
mail-lifted-intro = Your help desk has looked: for your account at { $tenant } passwords can be reset here again.
mail-lifted-you = You spoke with your help desk? Then everything is in order.
mail-helpdesk-subject = Your help desk gave out a code for your account at { $tenant }
mail-helpdesk-intro = The help desk of { $tenant } took a caller for you and gave them a code, with which they can prove here that they are you.
mail-alert-subject = { $tenant }: "This wasn't me"
mail-alert-intro = Somebody whom we told of what happened to their account at { $tenant } says that it was not them. The account is frozen.
mail-alert-who = Who:
mail-alert-about = About:
mail-alert-of = When that happened:
mail-alert-when = When they said so:
mail-alert-then = Please call this person at a number that you know from elsewhere, not from a mail. If the password was changed, set a new one. Then look at what happened and lift the freeze, or leave it.
mail-alert-command = To look at it: { $command }
mail-untold-subject = { $tenant }: many people got a first address from the directory
mail-untold-intro = { $people } people have other addresses than an hour ago, and of them those who had none before are not told one by one.
mail-untold-then = If you have just let the agent read another attribute, all is well. If not, somebody may have written addresses into the directory: please look before they have cooled off and can be used to reset passwords.
mail-many-subject = { $tenant }: an operator does a great deal at once
mail-many-intro = One operator of the console has done { $acts } things for people within ten minutes.
mail-many-who = Operator
mail-week-subject = { $tenant }: passwords in the last seven days
mail-week-intro = What people did themselves, and how it went.
mail-week-applied = Done
mail-week-refused = Refused by the directory
mail-week-failed = Failed
mail-week-of = { $able } of { $served }
mail-week-page = More of it, with charts, stands in the console: { $url }
mail-decision-subject = { $tenant }: a colleague needs your decision
mail-decision-intro = A colleague at the console wants to do something that takes two, and you may allow or refuse it. Within an hour, please.
mail-decision-who = Asked by
mail-decision-page = Open the console yourself and look under Approvals: { $url }
mail-decision-then = Speak with your colleague before you allow it. This message does not say what it is, so that nobody who reads your mail learns of it.
mail-many-then = If that was planned, all is well. If not, disable the operator at the console under Operators, and look at the audit.
mail-about-changed = a new password
mail-about-unlocked = an unlock
mail-about-tries = several wrong codes
mail-about-method = a change of the methods by which they prove who they are
mail-about-contact = other contact data in the directory
mail-about-operator = something that the help desk did

sms-not-me = Not you? { $link }
sms-not-you = It was not you? Tell your help desk at once.
sms-tries = { $tenant }: wrong codes tried for your account.
sms-method = { $tenant }: your security methods changed.
sms-contact = { $tenant }: your contact data changed.
sms-frozen = { $tenant }: nothing can be reset for your account any more. Please call your help desk.
sms-lifted = { $tenant }: your account is served again.
sms-helpdesk = { $tenant }: the help desk gave out a code.
sms-alert = { $tenant }: somebody says that it was not them.
mail-register-subject = Set up how you reset your password at { $tenant }
mail-register-intro = If you forget your password at { $tenant }, you can set a new one by yourself in a minute, as soon as you have registered how you prove that it is you: an authenticator app, a passkey or recovery codes.
mail-reconfirm-subject = Are your security methods at { $tenant } still right?
mail-reconfirm-intro = Please look at the ways in which you can prove at { $tenant } that it is you, so that they work when you need them.
mail-register-page = Open this page in your browser: { $url }
mail-register-password = It asks for a code and for your current password. Nobody will ever ask you for your password by mail or on the phone.
sms-register = { $tenant }: please register how you reset your password.
sms-reconfirm = { $tenant }: are your security methods still right?
mail-expires-subject = Your password at { $tenant } runs out soon
mail-expires-intro = The password of your account at { $tenant } runs out. After that you cannot sign in with it any more.
mail-expires-at = Until:
mail-expires-how = Please change it before that: at your computer at work, or in your browser.
mail-expires-here = In your browser, type this address by hand: { $page }
mail-expires-link = This message has no link on purpose: never give your password to a page that a mail led you to.
sms-expires = { $tenant }: your password runs out soon.
sms-untold = { $tenant }: many people got a first address from the directory.
sms-week = { $tenant }: the figures of the week are in the console.
sms-decision = { $tenant }: a colleague at the console needs your decision.
sms-many = { $tenant }: an operator of the console does a great deal at once.
