//! Operators at their console.

use sspr::domain::{
    audit::Source,
    operators::{self, Draft, Role, Saved, Stage},
    users::EmailAddress,
};
use uuid::Uuid;

use super::{Cloud, Person};

impl Cloud {
    /// A new operator of this role, signed in a moment ago without having walked there.
    pub async fn operator(&self, role: Role) -> Person {
        self.operator_with(role, &[]).await.1
    }

    /// The same, for members of these groups only; and who it is.
    pub async fn operator_with(&self, role: Role, groups: &[(Uuid, Uuid)]) -> (Uuid, Person) {
        let (scope, clock, source) = (&self.tenant.scope, &self.clock, Source::house("cli"));
        let mut tx = self.app.begin().await.unwrap();
        let count = operators::all(&mut tx, scope).await.unwrap().len();
        let name = format!("{} {count}", role.as_str().replace('_', " "));
        let mail = EmailAddress::parse(&format!("{}{count}@staff.example", role.as_str())).unwrap();
        let draft = Draft { name, mail, role, groups: groups.to_vec() };
        let Saved::Yes(operator) = operators::create(&mut tx, scope, clock, &source, &draft).await.unwrap() else { panic!("taken") };
        tx.commit().await.unwrap();
        let person = self.at_console(operator).await;
        (operator, person)
    }

    /// Another browser of this operator's, signed in a moment ago.
    pub async fn at_console(&self, operator: Uuid) -> Person {
        let (scope, source, stage) = (&self.tenant.scope, Source::house("cli"), (Stage::In, "firefox linux"));
        let mut tx = self.app.begin().await.unwrap();
        let cookie = operators::begin(&mut tx, scope, &self.clock, &source, operator, stage, None).await.unwrap();
        tx.commit().await.unwrap();
        let mut person = Person::at(self);
        person.browser.cookies.insert("sspr_console".into(), cookie);
        person
    }
}
