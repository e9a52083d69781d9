# The console: policies.

console-nav-policies = Policies
policies-intro = Who may set a new password here, and how they prove who they are. Of the policies that apply to somebody the first one holds.
policies-new = New policy
policies-empty-title = Nobody is served
policies-empty-text = Without a policy nobody can use self-service. A policy says for whom it is, what counts as a proof and how many proofs it takes. Begin with one for everybody, or for a small group that tries it first.
policies-last = Whoever is in none of them is not served.
policies-earlier = Ask earlier
policies-later = Ask later
policies-privileged = Privileged groups
policies-privileged-text = Whoever is in one of these proves more, whatever the policies say: two proofs of different kinds, no text message, no code from the help desk, three days before a new method counts, and no more tries than are usual. And no temporary password from the help desk.
policies-privileged-none = There is none.
policies-groups-none = No agent tells any groups. Name them in the agents' setting agent.mirror.groups, then they can be chosen here.
policies-group-untold = { $id } (no agent tells this group)

policies-form-intro = Nothing is saved yet: you will see first who gains and who loses by it.
policies-errors = Something here cannot be used. Nothing of yours is lost: please look at what is marked.
policies-name-about = For administrators. People do not see it.
policies-priority-about = 1 to 10000. The smallest number is asked first. Leave gaps, then another policy fits between two.
policies-whom = For whom it is
policies-everybody = Everybody
policies-everybody-about = All whom no policy before it applies to, but for the groups that are left out below.
policies-groups = Members of some groups
policies-groups-about = Whoever is in one of them, directly or through another group.
policies-groups-each = Groups
policies-group-nothing = does not matter
policies-group-in = is for its members
policies-group-out = is not for its members
policies-groups-hint = Who is left out falls under the next policy. Being left out beats being in.
policies-service = What they get
policies-serves = Self-service
policies-serves-about = They can set a new password after they have proven who they are.
policies-serves-not = No self-service
policies-serves-not-about = They are told to ask the help desk. What stands below does not matter then.
policies-about-email = A code to the mail address of the directory. It does not help whoever cannot open that mailbox without the password.
policies-about-private-email = A code to another mailbox, from the directory or added by the person.
policies-about-sms = A code to the mobile number. Cheap for an attacker who takes over a number, so not enough for privileged people.
policies-about-totp = A code that an app shows. The person registers it beforehand.
policies-about-passkey = Fingerprint, face, PIN or security key. Cannot be phished. The person registers it beforehand.
policies-about-recovery-code = One of ten that the person printed beforehand.
policies-about-help-desk = Somebody at the help desk makes sure who is calling and reads out a code. Only as safe as the rules by which they make sure.
policies-no-domains = No mail domain is said to open with the very password that is forgotten. If your mailboxes do, name their domain in the settings: a code sent there then proves nothing alone.
policies-proofs-rises = One proof, two from whoever has more
policies-proofs-rises-about = Two from whoever has an authenticator app, a passkey or recovery codes; a passkey alone is enough. Nobody is locked out for having registered nothing. Recommended.
policies-proofs-one = One proof
policies-proofs-one-about = Whoever gets at one of their methods can set their password.
policies-proofs-two = Two proofs of different kinds
policies-proofs-two-about = Whoever has only one kind is not served before they register another. Two codes that are sent, by mail or text message, are of one kind.
policies-apart = Mail and text message count as two kinds
policies-apart-about = Weaker: whoever holds somebody’s phone often has both.
policies-hours-about = 0 to 720. A thief who adds a method or changes an address has to wait so long, and the person is told meanwhile. 24 is a good choice.
policies-limits = Text messages and limits
policies-countries-about = Calling codes such as 49, 43, 41, or all. Empty: those of the whole organisation. A number elsewhere is not offered as a proof, cannot be added and gets no notices.
policies-tries-in = Tries at a code in ten minutes
policies-tries-about = 3 to 10, for one account and each kind of code. 5 is usual. Then it waits, and each time longer, up to an hour.
policies-sends-in = Codes sent in a quarter of an hour
policies-sends-about = 2 to 10, for one account. 5 is usual.
policies-passwords-in = Tries at the current password in half an hour
policies-passwords-about = 1 to 10. 3 is usual. Fewer than it takes for your directory to lock one of these accounts: then nobody locks it from here.
policies-limits-hint = Budgets, and what one network address may do, hold for the whole organisation:
policies-preview = Show what it changes
policies-preview-hint = The next page counts who gains and who loses, and asks whether to save. With very many people that takes some seconds.
policies-remove = Delete this policy
policies-remove-text = Whom it applies to falls under the next one that is for them. Under none, they are not served. You will see first whom that hits.
policies-remove-preview = Show what deleting it changes

policies-error-name = Please give a name of at most 100 characters on one line.
policies-error-name-taken = Another policy has this name. Please choose another one.
policies-error-priority = Please give a number from 1 to 10000.
policies-error-priority-taken = Another policy has this number. Please choose another one.
policies-error-no-group = Please choose at least one group that it is for, or everybody.
policies-error-no-method = Please choose at least one method, or no self-service.
policies-error-one-class = Two proofs need methods of two kinds. Please choose another method besides, or one proof.
policies-error-hours = Please give a number of hours from 0 to 720.
policies-error-countries = Please give calling codes separated by commas, such as 49, 43, at most 60 of them, or all, or leave it empty.
policies-error-tries = Please give a number of tries from 3 to 10.
policies-error-sends = Please give a number of codes from 2 to 10.
policies-error-passwords = Please give a number of tries from 1 to 10.

policies-of-name = Name
policies-of-priority = Place in the order
policies-of-whom = For
policies-of-except = But not for
policies-of-service = They get
policies-of-methods = Methods
policies-of-proofs = How many proofs
policies-of-apart = Mail and text message
policies-of-hours = New methods
policies-of-hours-in = Hours before a new or changed method counts
policies-of-countries = Countries that get text messages
policies-of-tries = Tries at a code
policies-of-sends = Codes sent
policies-of-passwords = Tries at the current password
policies-of-privileged = Groups
policies-is-new = New
policies-is-gone = Deleted
policies-apart-yes = count as two kinds
policies-apart-no = count as one kind
policies-hours = count after { $hours } hours
policies-hours-none = count at once
policies-countries-anywhere = all countries
policies-countries-of-all = those of the whole organisation
policies-tries = { $count } in ten minutes
policies-sends = { $count } in a quarter of an hour
policies-passwords = { $count } in half an hour

policies-warn-exception = It serves nobody: no agent tells who is in { $groups }, so nobody can say who is left out. Name the group in agent.mirror.groups again, or take it out here.
policies-warn-group = No agent tells who is in { $groups }. Until one does, nobody of that directory is served by this policy or one after it.
policies-warn-off = Self-service is off for the whole organisation: what stands here holds once it is switched on in the settings.
policies-warn-undo = All policies become what they were before that change; what was changed since then goes back, too.
policies-warn-mailbox = { $people ->
    [one] One person can prove who they are by the directory’s mail address alone. If that mailbox opens with the password they forgot, they cannot reach it, and whoever got into it gets the account. Name the domain of such mailboxes in the settings.
   *[other] { $people } people can prove who they are by the directory’s mail address alone. If those mailboxes open with the password they forgot, they cannot reach them, and whoever got into one gets the account. Name the domain of such mailboxes in the settings.
}
policies-warn-elsewhere = { $people ->
    [one] One person can prove who they are by an address of the directory alone that is in no named mail domain: { $domains }. If that mailbox opens with the password they forgot, they cannot reach it, and whoever got into it gets the account. Name its domain in the settings.
   *[other] { $people } people can prove who they are by an address of the directory alone that is in no named mail domain: { $domains }. If those mailboxes open with the password they forgot, they cannot reach them, and whoever got into one gets the account. Name their domains in the settings.
}
policies-warn-domain = Nobody has a mail address at { $domain }, which the settings name as a mail domain. Please check how it is spelt.
policies-warn-untexted = { $people ->
    [one] One person with a number gets no text messages any more, neither codes nor notices.
   *[other] { $people } people with a number get no text messages any more, neither codes nor notices.
}
policies-warn-nobody = After this nobody can use self-service.

policies-preview-new = What the new policy changes
policies-preview-save = What changes
policies-preview-remove = What deleting the policy changes
policies-preview-move = What the other order changes
policies-preview-privilege = What changes for privileged people
policies-preview-intro = Nothing is saved yet. This is counted from the people and their methods as they are now.
policies-preview-nothing = This changes nothing: it stands there already.
policies-preview-again = The policies, or what you wanted, are not what was shown to you any more. Nothing was saved. This is what it would come to now: please look once more.
policies-preview-sure = After this nobody could use self-service. Nothing was saved: please look once more, and say below that it is meant.
policies-preview-nobody = Yes, from then on nobody shall be able to use self-service.
policies-preview-gain = { $people ->
    [one] person gains self-service
   *[other] people gain self-service
}
policies-preview-lose = { $people ->
    [one] person loses self-service
   *[other] people lose self-service
}
policies-preview-same = { $people ->
    [one] stays as they are
   *[other] stay as they are
}
policies-preview-able = { $people ->
    [one] can use it afterwards
   *[other] can use it afterwards
}
policies-preview-gainers = { $people ->
    [one] Gains self-service
   *[other] Gain self-service
}
policies-preview-losers = { $people ->
    [one] Loses self-service
   *[other] Lose self-service
}
policies-preview-turn = Now: { $before }. Afterwards: { $after }.
policies-preview-more = And { $people } more.
policies-preview-back = Back to the form
policies-preview-leave = Leave it as it is

policies-standing-able = can use self-service
policies-standing-mailbox = can use self-service, by the directory’s mail address alone
policies-standing-mailbox-alone = can use self-service, and the directory’s mail address alone would do
policies-standing-help-desk = can use self-service, by the help desk alone
policies-standing-not-served = no policy serves them
policies-standing-cooling-off = their methods are new or were changed, and do not count yet
policies-standing-too-few = { $has ->
    [0] no usable proof
    [one] one usable proof
   *[other] { $has } usable proofs of different kinds
}, and { $gates ->
    [one] one is asked
   *[other] { $gates } are asked
}
policies-standing-closed = disabled or protected in the directory

changes-title = What changes
changes-what = What
changes-old = Now
changes-new = Afterwards
changes-none = nothing

policies-preview-waits = What this change would come to
policies-preview-waits-intro = It waits for a decision. This is what it would come to if it were made now.
policies-preview-decide = Back to the request
policies-preview-undo = What bringing it back changes

history-title = History of changes
history-intro = What was changed of the policies, the settings, the branding and the messages, by whom, and what it was before. From the console and from the command line.
history-go = History of changes
history-all = All
history-empty-title = Nothing was changed yet
history-empty-text = Every change of the policies, the settings or the branding will stand here, with what it was before, and can be taken back.
history-by = By { $who }
history-before = Before
history-after = After
history-older = Older changes
history-no-limit = no limit
history-unreadable = What it was can no longer be shown. The audit has it.
history-undo = Bring back what was before it
history-undo-title = What bringing it back changes
history-undo-intro = Nothing is saved yet. All settings become what they were before that change; what was changed since then goes back, too.
history-again = Somebody else has changed the settings meanwhile. Nothing was saved. This is what it would come to now: please look once more.
