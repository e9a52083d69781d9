# What is sent to people: e-mails and text messages. No text message may exceed 160 characters of the GSM alphabet, so no curly quotes.

mail-greeting = Hello { $name },
# The code itself stays out of the subject: mail servers log subjects.
mail-code-subject = Your code for { $tenant }
mail-code-intro = Somebody, hopefully you, is resetting the password of your account at { $tenant }. This is the code:
mail-code-valid = { $minutes ->
    [one] It works for one minute, once, and only in the browser in which you started.
   *[other] It works for { $minutes } minutes, once, and only in the browser in which you started.
}
mail-code-never = Tell it to nobody. The help desk will never ask you for it.
mail-code-not-you = It was not you? Then you need not do anything: without this code nothing is changed. If such messages come again, tell your help desk.
mail-changed-subject = Your password at { $tenant } was changed
mail-changed-intro = The password of your account at { $tenant } has just been changed.
mail-changed-when = When:
mail-changed-where = From:
mail-changed-place = In:
mail-changed-follow = About to be set as well in:
mail-changed-you = It was you? Then everything is in order. Use your new password from now on, on your phone as well.
mail-changed-not-you = It was not you? Then tell your help desk at once, so that they can secure your account.
mail-unlocked-subject = Your account at { $tenant } was unlocked
mail-unlocked-intro = Your account at { $tenant } was locked and has just been unlocked. The password has not changed.
mail-unlocked-you = It was you? Then everything is in order.
mail-help = Help desk: { $contact }
mail-signature = { $tenant }
mail-automatic = This message was made automatically. Answers to it are not read.

sms-code = { $code } is your code for { $tenant }. It works for { $minutes } minutes. Tell it to nobody.

    @{ $host } #{ $code }
sms-changed = Your password at { $tenant } was changed. It was not you? Tell your help desk at once.
sms-unlocked = Your account at { $tenant } was unlocked, with the same password. It was not you? Tell your help desk at once.
mail-changed-unknown = unknown
