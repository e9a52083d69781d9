# Die Konsole: Richtlinien.

console-nav-policies = Richtlinien
policies-intro = Wer hier ein neues Passwort setzen darf und womit sich jemand ausweist. Von den Richtlinien, die für jemanden gelten, zählt die erste.
policies-new = Neue Richtlinie
policies-empty-title = Niemand wird bedient
policies-empty-text = Ohne Richtlinie kann niemand die Selbsthilfe nutzen. Eine Richtlinie sagt, für wen sie gilt, was als Nachweis zählt und wie viele Nachweise nötig sind. Beginnen Sie mit einer für alle oder für eine kleine Gruppe, die es zuerst versucht.
policies-last = Für wen keine gilt, der wird nicht bedient.
policies-earlier = Früher fragen
policies-later = Später fragen
policies-privileged = Privilegierte Gruppen
policies-privileged-text = Wer in einer von ihnen ist, weist mehr nach, was auch in den Richtlinien steht: zwei Nachweise verschiedener Art, keine SMS, kein Code vom Helpdesk, drei Tage, bis eine neue Methode zählt, und nicht mehr Versuche als üblich. Und kein vorläufiges Passwort vom Helpdesk.
policies-privileged-none = Es gibt keine.
policies-groups-none = Kein Agent meldet Gruppen. Nennen Sie sie in der Einstellung agent.mirror.groups der Agenten, dann können Sie sie hier wählen.
policies-group-untold = { $id } (kein Agent meldet diese Gruppe)

policies-form-intro = Noch wird nichts gespeichert: Sie sehen zuerst, wer dadurch gewinnt und wer verliert.
policies-errors = Etwas hier lässt sich nicht verwenden. Von Ihren Angaben ist nichts verloren: Bitte sehen Sie nach, was markiert ist.
policies-name-about = Für die Verwaltung. Die Nutzer sehen ihn nicht.
policies-priority-about = 1 bis 10000. Die kleinste Zahl wird zuerst gefragt. Lassen Sie Lücken, dann passt noch eine Richtlinie dazwischen.
policies-whom = Für wen sie gilt
policies-everybody = Alle
policies-everybody-about = Alle, für die keine frühere gilt, außer den Gruppen, die unten ausgenommen sind.
policies-groups = Mitglieder einiger Gruppen
policies-groups-about = Wer in einer von ihnen ist, direkt oder über eine andere Gruppe.
policies-groups-each = Gruppen
policies-group-nothing = spielt keine Rolle
policies-group-in = gilt für die Mitglieder
policies-group-out = gilt nicht für die Mitglieder
policies-groups-hint = Wer ausgenommen ist, fällt unter die nächste Richtlinie. Ausgenommen geht vor.
policies-service = Was sie bekommen
policies-serves = Selbsthilfe
policies-serves-about = Sie können ein neues Passwort setzen, nachdem sie sich ausgewiesen haben.
policies-serves-not = Keine Selbsthilfe
policies-serves-not-about = Sie werden an den Helpdesk verwiesen. Was weiter unten steht, spielt dann keine Rolle.
policies-about-email = Ein Code an die E-Mail-Adresse aus dem Verzeichnis. Wer dieses Postfach ohne das Passwort nicht öffnen kann, dem hilft das nicht.
policies-about-private-email = Ein Code an ein anderes Postfach, aus dem Verzeichnis oder von der Person hinterlegt.
policies-about-sms = Ein Code an die Mobilnummer. Wer eine Nummer übernimmt, bekommt auch den Code; für privilegierte Personen reicht das nicht.
policies-about-totp = Ein Code, den eine App zeigt. Die Person richtet sie vorher ein.
policies-about-passkey = Fingerabdruck, Gesicht, PIN oder Sicherheitsschlüssel. Lässt sich nicht abfischen. Die Person richtet ihn vorher ein.
policies-about-recovery-code = Einer von zehn, die die Person vorher ausgedruckt hat.
policies-about-help-desk = Jemand am Helpdesk vergewissert sich, wer anruft, und liest einen Code vor. Nur so sicher wie die Regeln, nach denen das geschieht.
policies-no-domains = Keine Mail-Domäne ist als eine genannt, deren Postfächer sich mit dem vergessenen Passwort öffnen. Wenn das bei Ihren so ist, nennen Sie die Domäne in den Einstellungen: Ein Code dorthin beweist dann allein nichts.
policies-proofs-rises = Ein Nachweis, zwei von dem, der mehr hat
policies-proofs-rises-about = Zwei von dem, der eine Authenticator-App, einen Passkey oder Wiederherstellungscodes hat; ein Passkey allein genügt. Niemand wird ausgesperrt, weil er nichts eingerichtet hat. Empfohlen.
policies-proofs-one = Ein Nachweis
policies-proofs-one-about = Wer an eine der Methoden herankommt, kann das Passwort setzen.
policies-proofs-two = Zwei Nachweise verschiedener Art
policies-proofs-two-about = Wer nur eine Art hat, wird erst bedient, wenn er eine weitere einrichtet. Zwei Codes, die verschickt werden, per E-Mail oder SMS, sind von einer Art.
policies-apart = E-Mail und SMS zählen als zwei Arten
policies-apart-about = Schwächer: Wer das Telefon von jemandem hat, hat oft beides.
policies-hours-about = 0 bis 720. So lange muss ein Dieb warten, der eine Methode hinzufügt oder eine Adresse ändert, und die Person erfährt inzwischen davon. 24 ist eine gute Wahl.
policies-limits = SMS und Grenzen
policies-countries-about = Vorwahlen wie 49, 43, 41 oder all für alle. Leer: die der ganzen Organisation. Eine Nummer anderswo wird nicht als Nachweis angeboten, lässt sich nicht hinzufügen und bekommt keine Mitteilungen.
policies-tries-in = Versuche mit einem Code in zehn Minuten
policies-tries-about = 3 bis 10, für ein Konto und jede Art von Code. Üblich sind 5. Danach muss es warten, jedes Mal länger, bis zu einer Stunde.
policies-sends-in = Verschickte Codes in einer Viertelstunde
policies-sends-about = 2 bis 10, für ein Konto. Üblich sind 5.
policies-passwords-in = Versuche mit dem jetzigen Passwort in einer halben Stunde
policies-passwords-about = 1 bis 10. Üblich sind 3. Weniger, als Ihr Verzeichnis braucht, um eines dieser Konten zu sperren: Dann sperrt es niemand von hier aus.
policies-limits-hint = Budgets und was eine einzelne Netzadresse darf, gelten für die ganze Organisation:
policies-preview = Zeigen, was sich ändert
policies-preview-hint = Die nächste Seite zählt, wer gewinnt und wer verliert, und fragt, ob gespeichert werden soll. Bei sehr vielen Personen dauert das einige Sekunden.
policies-remove = Diese Richtlinie löschen
policies-remove-text = Für wen sie gilt, der fällt unter die nächste, die für ihn gilt. Gilt keine, wird er nicht bedient. Sie sehen zuerst, wen das trifft.
policies-remove-preview = Zeigen, was das Löschen ändert

policies-error-name = Bitte geben Sie einen Namen von höchstens 100 Zeichen in einer Zeile an.
policies-error-name-taken = Eine andere Richtlinie hat diesen Namen. Bitte wählen Sie einen anderen.
policies-error-priority = Bitte geben Sie eine Zahl von 1 bis 10000 an.
policies-error-priority-taken = Eine andere Richtlinie hat diese Zahl. Bitte wählen Sie eine andere.
policies-error-no-group = Bitte wählen Sie mindestens eine Gruppe, für die sie gilt, oder alle.
policies-error-no-method = Bitte wählen Sie mindestens eine Methode, oder keine Selbsthilfe.
policies-error-one-class = Zwei Nachweise brauchen Methoden zweier Arten. Bitte wählen Sie noch eine Methode dazu, oder einen Nachweis.
policies-error-hours = Bitte geben Sie eine Zahl von 0 bis 720 Stunden an.
policies-error-countries = Bitte geben Sie Vorwahlen an, durch Kommas getrennt, etwa 49, 43, höchstens 60, oder all für alle, oder lassen Sie das Feld leer.
policies-error-tries = Bitte geben Sie eine Zahl von Versuchen von 3 bis 10 an.
policies-error-sends = Bitte geben Sie eine Zahl von Codes von 2 bis 10 an.
policies-error-passwords = Bitte geben Sie eine Zahl von Versuchen von 1 bis 10 an.

policies-of-name = Name
policies-of-priority = Platz in der Reihenfolge
policies-of-whom = Für
policies-of-except = Aber nicht für
policies-of-service = Sie bekommen
policies-of-methods = Methoden
policies-of-proofs = Wie viele Nachweise
policies-of-apart = E-Mail und SMS
policies-of-hours = Neue Methoden
policies-of-hours-in = Stunden, bis eine neue oder geänderte Methode zählt
policies-of-countries = Länder, die SMS bekommen
policies-of-tries = Versuche mit einem Code
policies-of-sends = Verschickte Codes
policies-of-passwords = Versuche mit dem jetzigen Passwort
policies-of-privileged = Gruppen
policies-is-new = Neu
policies-is-gone = Gelöscht
policies-apart-yes = zählen als zwei Arten
policies-apart-no = zählen als eine Art
policies-hours = zählen nach { $hours } Stunden
policies-hours-none = zählen sofort
policies-countries-anywhere = alle Länder
policies-countries-of-all = die der ganzen Organisation
policies-tries = { $count } in zehn Minuten
policies-sends = { $count } in einer Viertelstunde
policies-passwords = { $count } in einer halben Stunde

policies-warn-exception = Sie bedient niemanden: Kein Agent meldet, wer in { $groups } ist, also weiß niemand, wer ausgenommen ist. Nennen Sie die Gruppe wieder in agent.mirror.groups, oder nehmen Sie sie hier heraus.
policies-warn-group = Kein Agent meldet, wer in { $groups } ist. Bis es einer tut, wird aus jenem Verzeichnis niemand von dieser oder einer späteren Richtlinie bedient.
policies-warn-off = Die Selbsthilfe ist für die ganze Organisation aus: Was hier steht, gilt, sobald sie in den Einstellungen eingeschaltet ist.
policies-warn-undo = Alle Richtlinien werden, was sie vor dieser Änderung waren; was seitdem geändert wurde, geht auch zurück.
policies-warn-mailbox = { $people ->
    [one] Eine Person kann sich allein mit der E-Mail-Adresse aus dem Verzeichnis ausweisen. Wenn sich dieses Postfach mit dem vergessenen Passwort öffnet, kommt sie nicht hinein, und wer darin ist, bekommt das Konto. Nennen Sie die Domäne solcher Postfächer in den Einstellungen.
   *[other] { $people } Personen können sich allein mit der E-Mail-Adresse aus dem Verzeichnis ausweisen. Wenn sich diese Postfächer mit dem vergessenen Passwort öffnen, kommen sie nicht hinein, und wer in einem ist, bekommt das Konto. Nennen Sie die Domäne solcher Postfächer in den Einstellungen.
}
policies-warn-elsewhere = { $people ->
    [one] Eine Person kann sich allein mit einer Adresse aus dem Verzeichnis ausweisen, die in keiner der genannten Mail-Domänen liegt: { $domains }. Wenn sich dieses Postfach mit dem vergessenen Passwort öffnet, kommt sie nicht hinein, und wer darin ist, bekommt das Konto. Nennen Sie seine Domäne in den Einstellungen.
   *[other] { $people } Personen können sich allein mit einer Adresse aus dem Verzeichnis ausweisen, die in keiner der genannten Mail-Domänen liegt: { $domains }. Wenn sich diese Postfächer mit dem vergessenen Passwort öffnen, kommen sie nicht hinein, und wer in einem ist, bekommt das Konto. Nennen Sie ihre Domänen in den Einstellungen.
}
policies-warn-domain = Niemand hat eine E-Mail-Adresse in { $domain }, das in den Einstellungen als Mail-Domäne steht. Bitte prüfen Sie die Schreibweise.
policies-warn-untexted = { $people ->
    [one] Eine Person mit einer Nummer bekommt keine SMS mehr, weder Codes noch Mitteilungen.
   *[other] { $people } Personen mit einer Nummer bekommen keine SMS mehr, weder Codes noch Mitteilungen.
}
policies-warn-nobody = Danach kann niemand die Selbsthilfe nutzen.

policies-preview-new = Was die neue Richtlinie ändert
policies-preview-save = Was sich ändert
policies-preview-remove = Was das Löschen der Richtlinie ändert
policies-preview-move = Was die andere Reihenfolge ändert
policies-preview-privilege = Was sich für privilegierte Personen ändert
policies-preview-intro = Noch ist nichts gespeichert. Gezählt wird nach den Personen und ihren Methoden, wie sie jetzt sind.
policies-preview-nothing = Das ändert nichts: So steht es schon da.
policies-preview-again = Die Richtlinien, oder was Sie wollten, sind nicht mehr das, was Ihnen gezeigt wurde. Nichts wurde gespeichert. Das würde jetzt daraus: Bitte sehen Sie noch einmal nach.
policies-preview-sure = Danach könnte niemand die Selbsthilfe nutzen. Es wurde nichts gespeichert: Bitte sehen Sie noch einmal hin, und sagen Sie unten, dass es gemeint ist.
policies-preview-nobody = Ja, danach soll niemand die Selbsthilfe nutzen können.
policies-preview-gain = { $people ->
    [one] Person gewinnt Selbsthilfe
   *[other] Personen gewinnen Selbsthilfe
}
policies-preview-lose = { $people ->
    [one] Person verliert Selbsthilfe
   *[other] Personen verlieren Selbsthilfe
}
policies-preview-same = { $people ->
    [one] bleibt, wie sie ist
   *[other] bleiben, wie sie sind
}
policies-preview-able = { $people ->
    [one] kann sie danach nutzen
   *[other] können sie danach nutzen
}
policies-preview-gainers = { $people ->
    [one] Gewinnt Selbsthilfe
   *[other] Gewinnen Selbsthilfe
}
policies-preview-losers = { $people ->
    [one] Verliert Selbsthilfe
   *[other] Verlieren Selbsthilfe
}
policies-preview-turn = Jetzt: { $before }. Danach: { $after }.
policies-preview-more = Und { $people } weitere.
policies-preview-back = Zurück zum Formular
policies-preview-leave = So lassen, wie es ist

policies-standing-able = kann die Selbsthilfe nutzen
policies-standing-mailbox = kann die Selbsthilfe nutzen, allein mit der E-Mail-Adresse aus dem Verzeichnis
policies-standing-mailbox-alone = kann die Selbsthilfe nutzen, und die E-Mail-Adresse aus dem Verzeichnis allein würde genügen
policies-standing-help-desk = kann die Selbsthilfe nutzen, allein über den Helpdesk
policies-standing-not-served = keine Richtlinie bedient die Person
policies-standing-cooling-off = die Methoden sind neu oder wurden geändert und zählen noch nicht
policies-standing-too-few = { $has ->
    [0] kein brauchbarer Nachweis
    [one] ein brauchbarer Nachweis
   *[other] { $has } brauchbare Nachweise verschiedener Art
}, und { $gates ->
    [one] einer ist nötig
   *[other] { $gates } sind nötig
}
policies-standing-closed = im Verzeichnis gesperrt oder geschützt

changes-title = Was sich ändert
changes-what = Was
changes-old = Jetzt
changes-new = Danach
changes-none = nichts

policies-preview-waits = Was diese Änderung bewirken würde
policies-preview-waits-intro = Sie wartet auf eine Entscheidung. Das würde sie bewirken, käme sie jetzt.
policies-preview-decide = Zurück zur Anfrage
policies-preview-undo = Was das Zurückholen ändert

history-title = Verlauf der Änderungen
history-intro = Was an den Richtlinien, den Einstellungen, am Erscheinungsbild und an den Nachrichten geändert wurde, von wem, und was vorher war. In der Konsole und auf der Kommandozeile.
history-go = Verlauf der Änderungen
history-all = Alles
history-empty-title = Noch wurde nichts geändert
history-empty-text = Jede Änderung der Richtlinien, der Einstellungen oder des Erscheinungsbilds wird hier stehen, mit dem, was vorher war, und lässt sich zurücknehmen.
history-by = Von { $who }
history-before = Vorher
history-after = Nachher
history-older = Ältere Änderungen
history-no-limit = ohne Grenze
history-unreadable = Was es war, lässt sich nicht mehr zeigen. Im Protokoll steht es.
history-undo = Zurückholen, was vorher war
history-undo-title = Was das Zurückholen ändert
history-undo-intro = Noch ist nichts gespeichert. Alle Einstellungen werden, was sie vor dieser Änderung waren; was seitdem geändert wurde, geht auch zurück.
history-again = Inzwischen hat jemand anderes die Einstellungen geändert. Nichts wurde gespeichert. Das würde jetzt daraus: Bitte sehen Sie noch einmal nach.
